document.getElementById('save').addEventListener('click',()=>{
  const answers=[];
  document.querySelectorAll('.mistake[data-name]').forEach(box=>{
    const label=box.querySelector('select').value;
    if(label)answers.push({sha256:box.dataset.name,label,comment:box.querySelector('input').value});
  });
  const text=JSON.stringify({v:1,plot:document.body.dataset.plot,answers},null,1);
  const link=document.createElement('a');
  link.href=URL.createObjectURL(new Blob([text],{type:'application/json'}));
  link.download='labels-'+document.body.dataset.plot+'.json';
  link.click();
  document.getElementById('saved').textContent=answers.length+' answers saved';
});
