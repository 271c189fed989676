// Drives @ledgerhq/hw-app-cosmos over any of the ledgerjs transports.
import { addressOf, describe, hex, judge, main, request, require, wants } from "./session.mjs";
import { openTransport } from "./transport.mjs";

const Cosmos = require("@ledgerhq/hw-app-cosmos").default;

await main(async () => {
  const transport = await openTransport();
  const app = new Cosmos(transport);
  const result = {};
  if (wants("configuration")) result.configuration = await app.getAppConfiguration();
  if (wants("address")) {
    const { address, publicKey } = await app.getAddress(request.path, request.hrp, false);
    Object.assign(result, { address, public_key: publicKey, computed_address: addressOf(publicKey, request.hrp) });
  }
  if (wants("show")) result.shown_address = (await app.getAddress(request.path, request.hrp, true)).address;
  if (wants("sign")) {
    result.signatures = {};
    for (const [name, document] of Object.entries(request.documents)) {
      const { signature } = await app.sign(request.path, document);
      result.signatures[name] = await judge({ document, der: hex(signature), publicKey: result.public_key });
    }
  }
  if (wants("refuse")) {
    const refusal = await app.sign(request.path, Object.values(request.documents)[0]).catch((error) => error);
    result.refusal = describe(refusal);
  }
  await transport.close();
  return result;
});
