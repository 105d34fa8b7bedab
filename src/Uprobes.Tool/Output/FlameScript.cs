namespace Uprobes.Tool.Output;

/// <summary>What makes a flame graph answer to clicks and keys in a browser. Without it the graph reads the same, with tooltips, but stands still.</summary>
internal static class FlameScript
{
    /// <summary>The style sheet: dark where the reader's desktop is. The calls themselves keep their light colours and dark letters.</summary>
    public const string Style = """
        svg { background: #fff; color-scheme: light dark; }
        text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1a1a1a; pointer-events: none; }
        .paper { fill: #fff; }
        .title { font-size: 16px; font-weight: 600; }
        .note { fill: #666; }
        .f { cursor: pointer; }
        .f:hover rect { stroke: #1a1a1a; stroke-width: 1; }
        .f.above { opacity: .45; }
        #tools { display: none; }
        #tools input { font: 12px ui-monospace, Menlo, Consolas, monospace; width: 100%; box-sizing: border-box; padding: 2px 6px; border: 1px solid #999; border-radius: 3px; }
        #back { cursor: pointer; fill: #0b57d0; pointer-events: all; visibility: hidden; }
        @media (prefers-color-scheme: dark) {
          svg { background: #1c1c1c; }
          .paper { fill: #1c1c1c; }
          .title { fill: #eee; }
          .note { fill: #aaa; }
          .f:hover rect { stroke: #fff; }
          #back { fill: #8ab4f8; }
        }
        """;

    /// <summary>
    /// The script. A picture that is a page of its own is as wide as the window, with letters of their usual size. What is zoomed to fills the width, with
    /// the calls that lead to it behind; what is searched for is told by a colour and by the share of the width that it covers.
    /// </summary>
    public const string Script = """
        (function () {
          "use strict";
          var here = document.currentScript, svg = (here && here.ownerSVGElement) || document.documentElement;
          var left = +svg.getAttribute("data-left"), whole = +svg.getAttribute("data-width"), letter = +svg.getAttribute("data-letter");
          var find = svg.querySelector("#find"), back = svg.querySelector("#back"), matched = svg.querySelector("#matched"), room = svg.querySelector("#tools foreignObject");
          var slack = 0.02, narrow = 480, least = 200, width = whole;
          var heads = Array.prototype.map.call(svg.querySelectorAll(".head"), function (text) {
            return { text: text, full: text.getAttribute("data-text"), letter: +text.getAttribute("data-letter") };
          });
          var frames = Array.prototype.map.call(svg.querySelectorAll(".f"), function (g) {
            var rect = g.querySelector("rect"), lines = g.querySelector("title").textContent.split("\n");
            var frame = {
              g: g, rect: rect, text: g.querySelector("text"), name: lines[0], key: (lines[0] + "\n" + lines[1]).toLowerCase(),
              x: +rect.getAttribute("x"), w: +rect.getAttribute("width"), depth: +g.getAttribute("data-depth"), fill: rect.getAttribute("fill")
            };
            g.addEventListener("click", function () { zoom(frame); });
            return frame;
          });
          var shown = frames[0];

          // As much of a text as there is room for; a character of a wide script, or outside of the first plane, takes two letters.
          function fit(text, letters) {
            var end = 0, used = 0, characters = Array.from(text);
            if (letters < 3) return "";
            while (end < characters.length && used + breadth(characters[end]) <= letters) used += breadth(characters[end++]);
            if (end === characters.length) return text;
            while (end > 0 && used > letters - 2) used -= breadth(characters[--end]);
            return characters.slice(0, end).join("") + "..";
          }

          function breadth(character) { return character.codePointAt(0) >= 0x1100 ? 2 : 1; }

          function place(frame, x, w) {
            frame.rect.setAttribute("x", x);
            frame.rect.setAttribute("width", w);
            frame.text.setAttribute("x", x + 3);
            frame.text.textContent = fit(frame.name, Math.floor((w - 6) / letter));
          }

          function zoom(to) {
            if (!to) return;
            var scale = width / to.w, end = to.x + to.w;
            shown = to;
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

          function search() {
            var wanted = find.value.trim().toLowerCase(), covered = 0, until = left, parts = [];
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
            matched.textContent = wanted === "" ? "" : (100 * covered / whole).toFixed(1) + "% matched";
          }

          function spread() {
            var now = Math.max(least, svg.getBoundingClientRect().width - 2 * left);
            if (now === width) return;
            width = now;
            heads.forEach(function (head) { head.text.textContent = fit(head.full, Math.floor(width / head.letter)); });
            room.setAttribute("width", width < narrow ? 124 : 224);
            matched.setAttribute("x", left + (width < narrow ? 130 : 236));
            back.setAttribute("x", left + (width < narrow ? 240 : 360));
            zoom(shown);
          }

          svg.querySelector("#tools").style.display = "inline";
          find.addEventListener("input", search);
          back.addEventListener("click", function () { zoom(frames[0]); });
          document.addEventListener("keydown", function (event) {
            if (event.key === "Escape") { find.value = ""; search(); zoom(frames[0]); }
            else if (event.key === "/" && document.activeElement !== find) { event.preventDefault(); find.focus(); }
          });
          if (svg === document.documentElement) {
            svg.removeAttribute("viewBox");
            svg.setAttribute("width", "100%");
            window.addEventListener("resize", spread);
            spread();
          }
        })();
        """;
}
