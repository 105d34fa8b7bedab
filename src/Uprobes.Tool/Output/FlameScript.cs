namespace Uprobes.Tool.Output;

/// <summary>What makes a flame graph answer to clicks and keys in a browser. Without it the graph reads the same, with tooltips, but stands still.</summary>
internal static class FlameScript
{
    /// <summary>The style sheet.</summary>
    public const string Style = """
        text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1a1a1a; pointer-events: none; }
        .title { font-size: 16px; font-weight: 600; }
        .note { fill: #666; }
        .f { cursor: pointer; }
        .f:hover rect { stroke: #1a1a1a; stroke-width: 1; }
        .f.above { opacity: .45; }
        #tools { display: none; }
        #tools input { font: 12px ui-monospace, Menlo, Consolas, monospace; width: 220px; box-sizing: border-box; padding: 2px 6px; border: 1px solid #999; border-radius: 3px; }
        #back { cursor: pointer; fill: #0b57d0; pointer-events: all; visibility: hidden; }
        """;

    /// <summary>
    /// The script. What is zoomed to fills the width, with the calls that lead to it behind; what is searched for is told by a colour and by the
    /// share of the width that it covers.
    /// </summary>
    public const string Script = """
        (function () {
          "use strict";
          var here = document.currentScript, svg = (here && here.ownerSVGElement) || document.documentElement;
          var left = +svg.getAttribute("data-left"), width = +svg.getAttribute("data-width"), letter = +svg.getAttribute("data-letter");
          var box = svg.querySelector("#find"), back = svg.querySelector("#back"), matched = svg.querySelector("#matched");
          var slack = 0.02;
          var frames = Array.prototype.map.call(svg.querySelectorAll(".f"), function (g) {
            var rect = g.querySelector("rect"), lines = g.querySelector("title").textContent.split("\n");
            var frame = {
              g: g, rect: rect, text: g.querySelector("text"), name: lines[0], key: (lines[0] + "\n" + lines[1]).toLowerCase(),
              x: +rect.getAttribute("x"), w: +rect.getAttribute("width"), depth: +g.getAttribute("data-depth"), fill: rect.getAttribute("fill")
            };
            g.addEventListener("click", function () { zoom(frame); });
            return frame;
          });

          function place(frame, x, w) {
            var letters = Math.floor((w - 6) / letter), name = frame.name;
            frame.rect.setAttribute("x", x);
            frame.rect.setAttribute("width", w);
            frame.text.setAttribute("x", x + 3);
            frame.text.textContent = letters < 3 ? "" : name.length <= letters ? name : name.slice(0, letters - 2) + "..";
          }

          function zoom(to) {
            var scale = width / to.w, end = to.x + to.w;
            frames.forEach(function (frame) {
              var isAbove = frame.depth < to.depth && frame.x <= to.x + slack && frame.x + frame.w >= end - slack;
              var isInside = frame.depth >= to.depth && frame.x >= to.x - slack && frame.x + frame.w <= end + slack;
              frame.g.style.display = isAbove || isInside ? "" : "none";
              frame.g.classList.toggle("above", isAbove);
              if (isAbove) place(frame, left, width);
              else if (isInside) place(frame, left + (frame.x - to.x) * scale, frame.w * scale);
            });
            back.style.visibility = to.depth === 0 ? "hidden" : "visible";
          }

          function find() {
            var wanted = box.value.trim().toLowerCase(), covered = 0, until = left, parts = [];
            frames.forEach(function (frame) {
              var isFound = wanted !== "" && frame.key.indexOf(wanted) >= 0;
              frame.rect.setAttribute("fill", isFound ? "#ff6ad5" : frame.fill);
              if (isFound) parts.push([frame.x, frame.x + frame.w]);
            });
            parts.sort(function (a, b) { return a[0] - b[0]; });
            parts.forEach(function (part) {
              if (part[1] > until) {
                covered += part[1] - Math.max(part[0], until);
                until = part[1];
              }
            });
            matched.textContent = wanted === "" ? "" : (100 * covered / width).toFixed(1) + "% matched";
          }

          svg.querySelector("#tools").style.display = "inline";
          box.addEventListener("input", find);
          back.addEventListener("click", function () { zoom(frames[0]); });
          document.addEventListener("keydown", function (event) {
            if (event.key === "Escape") { box.value = ""; find(); zoom(frames[0]); }
            else if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus(); }
          });
        })();
        """;
}
