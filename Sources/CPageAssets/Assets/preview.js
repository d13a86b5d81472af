// A look at a file: the beginning of a text, as text, or a picture of a kind that browsers draw
// without running anything. What a file says of its own type is not believed.

import { contentPath, request } from "./api.js";
import { make, problem, replace } from "./dom.js";
import { bytes } from "./format.js";

const textMax = 64 << 10;
const pictureMax = 32 << 20;

const magics = [
  ["image/png", (head) => begins(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ["image/jpeg", (head) => begins(head, [0xff, 0xd8, 0xff])],
  ["image/gif", (head) => begins(head, [0x47, 0x49, 0x46, 0x38])],
  ["image/webp", (head) => begins(head, [0x52, 0x49, 0x46, 0x46]) && begins(head.subarray(8), [0x57, 0x45, 0x42, 0x50])],
  ["image/avif", (head) => begins(head.subarray(4), [0x66, 0x74, 0x79, 0x70, 0x61, 0x76, 0x69, 0x66])],
];

function begins(head, magic) { return magic.every((byte, index) => head[index] === byte); }

/// - Returns: the text, or `undefined` for what is none.
function asText(head, isCut) {
  if (head.includes(0)) return undefined;
  // A character may have been cut in two at the end.
  for (let cut = 0; cut < (isCut ? 4 : 1); cut += 1) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(head.subarray(0, head.length - cut));
    } catch { /* Shorter, perhaps. */ }
  }
  return undefined;
}

async function read(name, size, limit) {
  if (size === 0) return new Uint8Array();
  const headers = size > limit ? { range: `bytes=0-${limit - 1}` } : undefined;
  const response = await request("GET", contentPath(name), { headers });
  return new Uint8Array(await response.arrayBuffer());
}

/// Shows it in a place. The address that is given back is to be let go of.
export async function showPreview(place, file) {
  replace(place, make("p", { class: "dim" }, "Reading…"));
  try {
    const head = await read(file.name, file.size, textMax);
    const type = magics.find(([, fits]) => fits(head))?.[0];
    if (type) return await showPicture(place, file, type);
    const text = asText(head, file.size > head.length);
    if (text === undefined) {
      replace(place, make("p", {}, "It is neither text nor a picture that is shown here. Retrieve it to look at it."));
      return undefined;
    }
    replace(place,
      make("pre", { class: "preview-text", tabindex: "0", role: "region", "aria-label": "The beginning of the file" }, text || "(It is empty.)"),
      file.size > head.length ? make("p", { class: "dim" }, `The first ${bytes(head.length)} of ${bytes(file.size)}.`) : undefined);
  } catch (error) { replace(place, problem(error)); }
  return undefined;
}

async function showPicture(place, file, type) {
  if (file.size > pictureMax) {
    replace(place, make("p", {}, `It is a picture of ${bytes(file.size)}; those above ${bytes(pictureMax)} are not shown.`));
    return undefined;
  }
  const content = await read(file.name, file.size, pictureMax);
  const address = URL.createObjectURL(new Blob([content], { type }));
  const picture = make("img", { class: "preview-picture", src: address, alt: `The picture ${file.name}` });
  picture.addEventListener("error", () => replace(place, make("p", {}, "The browser cannot draw this picture.")));
  replace(place, picture);
  return address;
}
