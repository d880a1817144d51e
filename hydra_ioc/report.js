const cells=JSON.parse(document.getElementById('cells').textContent);
document.querySelectorAll('td[data-cell]').forEach(td=>{
  const show=()=>{const c=cells[td.dataset.cell];
    document.getElementById('list').textContent=c.title+'\n'+(c.names.length?c.names.join('\n'):'no image');};
  td.addEventListener('click',show);
  td.addEventListener('keydown',e=>{if(e.key==='Enter')show();});
});
document.getElementById('save').addEventListener('click',()=>{
  const answers=[];
  document.querySelectorAll('.mistake[data-name]').forEach(box=>{
    const label=box.querySelector('select').value;
    if(label)answers.push({sha256:box.dataset.name,label,comment:box.querySelector('input').value});
  });
  const text=JSON.stringify({v:1,model:document.body.dataset.model,answers},null,1);
  const link=document.createElement('a');
  link.href=URL.createObjectURL(new Blob([text],{type:'application/json'}));
  link.download='answers-'+document.body.dataset.model.slice(0,12)+'.json';
  link.click();
  document.getElementById('saved').textContent=answers.length+' answers saved';
});
