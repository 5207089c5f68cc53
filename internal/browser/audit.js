// What is wrong with a page for people who see, hear or move differently, by
// WCAG 2.2, level AA. The value is {texts, lowest, findings}.
(() => {
  const findings = [];
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  function rgba(colour) {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }
  const mix = (top, below, share) => [0, 1, 2].map((i) => top[i] * share + below[i] * (1 - share));
  const over = (top, below) => mix(top, below, top[3]);
  function light(colour) {
    const [r, g, b] = colour.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  }
  function contrast(a, b) {
    const [x, y] = [light(a), light(b)];
    return Math.max(x, y) / Math.min(x, y);
  }

  // painted is [the background, the ink on it] as they reach the eye, through
  // the transparency of all that is around.
  function painted(node, ink) {
    const chain = [];
    for (let n = node; n; n = n.parentElement) chain.unshift(getComputedStyle(n));
    const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    const paint = (i, behind) => {
      const inside = over(rgba(chain[i].backgroundColor), behind);
      const here = i + 1 < chain.length ? paint(i + 1, inside) : [inside, over(ink, inside)];
      return here.map((colour) => mix(colour, behind, Number(chain[i].opacity)));
    };
    return paint(0, canvas);
  }

  function named(node) {
    const id = node.id && `#${node.id}`;
    const words = (node.textContent || node.value || "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `${node.tagName.toLowerCase()}${id}${node.className.baseVal ?? (node.className && `.${node.className.replaceAll(" ", ".")}`)} "${words}"`;
  }

  // seen leaves out what only a screen reader gets.
  function seen(node) {
    const box = node.getBoundingClientRect();
    return node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 1 && box.height > 1 && !node.closest(".hidden");
  }

  let texts = 0;
  let lowest = { ratio: 99 };
  function legible(node, style, what, need) {
    const [below, ink] = painted(node, rgba(style));
    const ratio = Math.round(contrast(below, ink) * 100) / 100;
    if (ratio / need < lowest.ratio / (lowest.need ?? 1)) lowest = { ratio, need, what: `${what} ${named(node)}` };
    if (ratio < need) findings.push(`contrast ${ratio} of ${need}: ${what} ${named(node)}`);
  }
  function needOf(style) {
    const size = parseFloat(style.fontSize);
    return size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const node = walker.currentNode.parentElement;
    if (!text || node.closest("script, style, noscript, option") || !node.checkVisibility({ visibilityProperty: true })) continue;
    spoken(node, text);
    if (!seen(node)) continue;
    texts++;
    const style = getComputedStyle(node);
    legible(node, style.color, "text", needOf(style));
  }

  // spoken checks that a text is read out in its language.
  function spoken(node, text) {
    const lang = node.closest("[lang]")?.lang ?? "";
    const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
    const latin = text.match(/[a-z]+/gi)?.length ?? 0;
    if (han > 2 * latin && !/^(zh|ja)/.test(lang)) findings.push(`language ${lang}: "${text.slice(0, 40)}"`);
    if (!han && /[a-z]{3}/i.test(text) && /^zh/.test(lang) && !/^[A-Z]{3}-/.test(text)) findings.push(`language ${lang}: "${text.slice(0, 40)}"`);
  }

  for (const node of document.querySelectorAll("input, textarea, select")) {
    if (!seen(node)) continue;
    const style = getComputedStyle(node);
    legible(node, style.color, "value", needOf(style));
    if (node.placeholder) legible(node, getComputedStyle(node, "::placeholder").color, "placeholder", 4.5);
    if (style.appearance === "none" || !/checkbox|radio/.test(node.type)) {
      const [outside, edge] = painted(node.parentElement, rgba(style.borderTopColor));
      if (contrast(outside, edge) < 3) findings.push(`contrast ${contrast(outside, edge).toFixed(2)} of 3: edge of ${named(node)}`);
    }
  }

  for (const shape of document.querySelectorAll("svg :is(path, circle, rect)")) {
    const style = getComputedStyle(shape);
    if (!seen(shape.ownerSVGElement)) continue;
    if (style.fill !== "none") legible(shape.ownerSVGElement, style.fill, "shape", 3);
    else {
      const filled = [...shape.ownerSVGElement.children].map((s) => getComputedStyle(s).fill).find((f) => f !== "none");
      const ratio = contrast(rgba(style.stroke), rgba(filled));
      if (ratio < 3) findings.push(`contrast ${ratio.toFixed(2)} of 3: stroke of ${named(shape.ownerSVGElement)}`);
    }
  }

  // Headings make an outline without gaps.
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((h) => h.checkVisibility());
  const levels = headings.map((h) => Number(h.tagName[1]));
  if (levels.filter((l) => l === 1).length !== 1 || levels[0] !== 1) findings.push(`headings are ${levels}`);
  levels.forEach((level, i) => level > (levels[i - 1] ?? 0) + 1 && findings.push(`heading skips a level: ${named(headings[i])}`));
  if (!document.documentElement.lang) findings.push("the page has no language");
  if (!document.title) findings.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) findings.push("the page has not one main part");

  // Ids are unique, and what they refer to is there.
  const ids = [...document.querySelectorAll("[id]")].map((n) => n.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) findings.push(`id ${id} stands twice`);
  for (const node of document.querySelectorAll("[aria-labelledby]")) {
    if (!document.getElementById(node.getAttribute("aria-labelledby"))) findings.push(`no label: ${named(node)}`);
  }

  // Targets are 24 pixels wide and high, or that far from each other.
  const targets = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter(seen);
  const boxes = new Map(targets.map((t) => [t, (t.closest("label") ?? t).getBoundingClientRect()]));
  for (const [node, box] of boxes) {
    if (box.width >= 24 && box.height >= 24) continue;
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    for (const [other, b] of boxes) {
      if (other === node) continue;
      const apart = Math.hypot(Math.max(b.left - x, x - b.right, 0), Math.max(b.top - y, y - b.bottom, 0));
      if (apart < 12) findings.push(`target ${Math.round(box.width)}x${Math.round(box.height)} beside another: ${named(node)}`);
    }
  }

  // Nothing makes the page wider than the screen, or is cut off beside it.
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) findings.push(`the page is ${wide} wide on a screen of ${innerWidth}`);
  for (const node of document.body.querySelectorAll("*")) {
    const box = node.getBoundingClientRect();
    if (seen(node) && box.right > innerWidth + 1 && !node.closest(".chips") && getComputedStyle(node).position !== "absolute") findings.push(`ends at ${Math.round(box.right)}: ${named(node)}`);
  }
  return JSON.stringify({ texts, lowest, findings: [...new Set(findings)] });
})()
