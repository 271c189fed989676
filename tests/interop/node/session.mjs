// What every script here shares: the request it was given, the one JSON line it answers, and the judge.
//
// A script gets one argument, a JSON object:
//   apdu_port, api_port   where the device listens on the loopback address
//   transport             name of the way to it (see transport.mjs)
//   open_app              true: the device is on its dashboard, open the app first
//   steps                 any of "connect", "address", "sign", "refuse"
//   path, hrp, documents  what to ask for; documents is an object of texts by name
// It prints one JSON line on stdout and exits 0 if the client got through, 1 with {"error"} if it did not.
import { createRequire } from "node:module";
import { Secp256k1, Secp256k1Signature, sha256 } from "@cosmjs/crypto";
import { fromHex, toHex, toUtf8 } from "@cosmjs/encoding";
import { pubkeyToAddress, encodeSecp256k1Pubkey } from "@cosmjs/amino";

// Several of the packages are published as CommonJS, or as modules that only bundlers can resolve.
export const require = createRequire(import.meta.url);

export const request = JSON.parse(process.argv[2]);
export const wants = (step) => request.steps.includes(step);

// Judge a DER signature over a document with cosmjs, which knows nothing of the device's own code.
export async function judge({ document, der, publicKey }) {
  const signature = Secp256k1Signature.fromDer(fromHex(der));
  const verified = await Secp256k1.verifySignature(signature, sha256(toUtf8(document)), fromHex(publicKey));
  return { document, der, verified };
}

// The address that belongs to a public key, computed by cosmjs.
export const addressOf = (publicKey, hrp) => pubkeyToAddress(encodeSecp256k1Pubkey(fromHex(publicKey)), hrp);

export const hex = (bytes) => toHex(Uint8Array.from(bytes));

// An error as the client's user sees it, with the status word if the client found one.
export function describe(error) {
  const status = error?.statusCode ?? error?.returnCode ?? null;
  return {
    name: String(error?.name ?? error?._tag ?? typeof error),
    message: String(error?.message ?? error?.originalError?.message ?? JSON.stringify(error)),
    status: typeof status === "number" ? status.toString(16).padStart(4, "0") : null,
  };
}

// Run the script's body, print what it returns, and leave no timer of a client behind.
export async function main(body) {
  let result, code;
  try {
    [result, code] = [await body(), 0];
  } catch (error) {
    [result, code] = [{ error: describe(error), stack: String(error?.stack ?? "") }, 1];
  }
  process.stdout.write(JSON.stringify(result) + "\n", () => process.exit(code));
}
