const cells=JSON.parse(document.getElementById('cells').textContent);
const list=document.getElementById('list');
const make=(tag,text,kind)=>{const e=document.createElement(tag);
  if(text!==undefined)e.textContent=text;if(kind)e.className=kind;return e;};
const tile=image=>{
  const card=document.getElementById('seen-'+image.name);
  const box=make(card?'a':'figure',undefined,'tile');
  if(card)box.href='#seen-'+image.name;
  if(image.picture){const p=make('img');p.src=image.picture;p.alt='';box.append(p);}
  else box.append(make('span','no picture','none'));
  box.append(make('span','run '+image.run+', weight '+image.weight.toFixed(3)),
    make('span',image.held_out?'held out':'training',image.held_out?'held':'learnt'),
    make('small',image.name.slice(0,24)));
  if(card)box.append(make('span','answer it below'));
  box.title=image.name;
  return box;
};
const show=(td,focus)=>{
  const c=cells[td.dataset.cell];
  document.querySelectorAll('td.chosen').forEach(e=>e.classList.remove('chosen'));
  td.classList.add('chosen');
  const shown=c.images.filter(i=>i.picture),rest=c.images.filter(i=>!i.picture);
  const tiles=make('div',undefined,'tiles');
  shown.forEach(i=>tiles.append(tile(i)));
  list.replaceChildren(make('h3',c.title+': '+c.images.length+(c.images.length===1?' image':' images')),tiles);
  if(rest.length){
    const more=make('details');
    more.append(make('summary',shown.length?rest.length+' more, by name'
      :rest.length+' without a picture: this deployment does not keep them'));
    rest.forEach(i=>more.append(make('div','run '+i.run+', weight '+i.weight.toFixed(3)+', '
      +(i.held_out?'held out':'training')+': '+i.name)));
    more.open=!shown.length;
    list.append(more);
  }
  if(focus)list.focus();
};
document.querySelectorAll('td[data-cell]').forEach(td=>{
  td.addEventListener('click',()=>show(td,false));
  td.addEventListener('keydown',e=>{
    if(e.key==='Enter'||e.key===' '){e.preventDefault();show(td,true);}});
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
