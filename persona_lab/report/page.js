"use strict";
(function () {
  const PRINT_WIDTH = 690; // pixels: the text width of A4 at 96 dots per inch
  const narrow = window.matchMedia("(max-width: 700px)");
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const holders = Array.from(document.querySelectorAll(".plot"));

  function merge(base, patch) {
    const merged = Object.assign({}, base);
    Object.keys(patch).forEach(function (key) {
      const plain = patch[key] && typeof patch[key] === "object" && !Array.isArray(patch[key]);
      merged[key] = plain ? merge(merged[key] || {}, patch[key]) : patch[key];
    });
    return merged;
  }

  function draw(holder, width) {
    const group = JSON.parse(document.getElementById(holder.id + "-data").textContent);
    const select = document.getElementById(holder.id + "-choice");
    const figure = group.figures[select ? select.selectedIndex : 0];
    let layout = merge(figure.layout, {});
    if (narrow.matches && !width) { layout = merge(merge(layout, group.narrow), { title: { text: "" } }); }
    if (width) { layout.width = width; }
    holder.style.minHeight = (layout.height || 450) + "px";
    return Plotly.react(holder, figure.data, layout, config);
  }

  function drawAll(width) { holders.forEach(function (holder) { draw(holder, width); }); }

  holders.forEach(function (holder) {
    const select = document.getElementById(holder.id + "-choice");
    if (select) { select.addEventListener("change", function () { draw(holder); }); }
  });
  drawAll();
  narrow.addEventListener("change", function () { drawAll(); });

  const folded = Array.from(document.querySelectorAll("details"));
  window.addEventListener("beforeprint", function () {
    folded.forEach(function (part) { part.dataset.open = part.open ? "1" : ""; part.open = true; });
    drawAll(PRINT_WIDTH);
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (part) { part.open = part.dataset.open === "1"; });
    drawAll();
  });
})();
