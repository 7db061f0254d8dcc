// npm run -s example:seed: writes what examples/seed needs beside its configuration: a small network in the place of
// densenet_onnx, and a drawn mug. Both come out the same on every machine but for the JPEG encoder's version.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generateDensenetStandIn } from "./onnx/index.ts";
import { drawPicture } from "./runner/picture.ts";

const mug = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">
<defs><linearGradient id="g"><stop offset="0" stop-color="#b02418"/><stop offset="0.4" stop-color="#ef6a52"/><stop offset="1" stop-color="#7c140c"/></linearGradient></defs>
<rect width="320" height="240" fill="#d9d2c5"/><rect y="180" width="320" height="60" fill="#8c6a46"/>
<path d="M215 95 q58 -4 52 40 q-5 40 -58 36" fill="none" stroke="#9c1f15" stroke-width="15"/>
<path d="M95 70 h125 l-8 118 q-55 16 -109 0 z" fill="url(#g)"/><ellipse cx="157" cy="70" rx="62" ry="16" fill="#f7ebe0"/>
<ellipse cx="157" cy="73" rx="54" ry="11" fill="#3b2113"/></svg>`;

const folder = fileURLToPath(new URL("../../../examples/seed/", import.meta.url));
mkdirSync(`${folder}models/densenet_onnx/1`, { recursive: true });
mkdirSync(`${folder}data/images`, { recursive: true });
writeFileSync(`${folder}models/densenet_onnx/1/model.onnx`, generateDensenetStandIn());
writeFileSync(`${folder}data/images/mug.jpg`, await drawPicture(mug));
