document.getElementById('save').addEventListener('click',()=>{
  const answers=[];
  document.querySelectorAll('.mistake[data-name]').forEach(box=>{
    const chosen=box.querySelector('input[type=radio]:checked');
    if(chosen)answers.push({sha256:box.dataset.name,label:chosen.value,comment:box.querySelector('.comment').value});
  });
  const text=JSON.stringify({v:1,plot:document.body.dataset.plot,answers},null,1);
  const link=document.createElement('a');
  link.href=URL.createObjectURL(new Blob([text],{type:'application/json'}));
  link.download='labels-'+document.body.dataset.plot+'.json';
  link.click();
  document.getElementById('saved').textContent=answers.length+' answers saved';
});
document.querySelectorAll('form').forEach(form=>form.addEventListener('submit',event=>event.preventDefault()));
