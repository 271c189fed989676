// Shows what several devices show, and what was done between them. It presses nothing.

const $ = (id) => document.getElementById(id);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function figure(view) {
  const image = document.createElement("img");
  image.alt = `Screen of ${view.name}`;
  const frame = document.createElement("div");
  frame.append(image);
  const link = document.createElement("a");
  link.href = view.panel;
  link.textContent = "its own page";
  const caption = document.createElement("figcaption");
  caption.append(view.name, link);
  const all = document.createElement("figure");
  all.append(frame, caption);
  $("devices").append(all);
  return image;
}

async function watch(number, image) {
  let sequence = 0;
  for (;;) {
    const answer = await fetch(`/picture/${number}?after=${sequence}`);
    if (answer.status === 200) {
      sequence = Number(answer.headers.get("x-screen-sequence"));
      const reader = new FileReader();
      reader.onload = () => { image.src = reader.result; };
      reader.readAsDataURL(await answer.blob());
    } else if (answer.status !== 204) {
      return;
    }
  }
}

async function tell() {
  for (;;) {
    const { lines } = await (await fetch("/story")).json();
    for (const line of lines.slice($("story").children.length)) {
      const item = document.createElement("li");
      item.textContent = line;
      $("story").append(item);
    }
    await pause(300);
  }
}

async function main() {
  const { views } = await (await fetch("/views")).json();
  const watching = views.map((view, number) => watch(number, figure(view)));
  await Promise.all([...watching, tell()]);
}

main().catch(() => { $("end").hidden = false; });
