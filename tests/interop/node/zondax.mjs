// Drives @zondax/ledger-cosmos-js over any of the ledgerjs transports.
import { addressOf, describe, hex, judge, main, request, require, wants } from "./session.mjs";
import { openTransport } from "./transport.mjs";

const CosmosApp = require("@zondax/ledger-cosmos-js").default;

await main(async () => {
  const transport = await openTransport();
  const app = new CosmosApp(transport);
  const path = `m/${request.path}`;
  const result = {};
  if (wants("information")) {
    result.version = await app.getVersion();
    result.app_info = await app.appInfo();
    result.device_info = await app.deviceInfo();
  }
  if (wants("address")) {
    const answer = await app.getAddressAndPubKey(path, request.hrp);
    const publicKey = hex(answer.compressed_pk);
    Object.assign(result, {
      address: answer.bech32_address,
      public_key: publicKey,
      computed_address: addressOf(publicKey, request.hrp),
    });
  }
  if (wants("show")) result.shown_address = (await app.showAddressAndPubKey(path, request.hrp)).bech32_address;
  if (wants("sign")) {
    result.signatures = {};
    for (const [name, document] of Object.entries(request.documents)) {
      const { signature } = await app.sign(path, Buffer.from(document), request.hrp);
      result.signatures[name] = await judge({ document, der: hex(signature), publicKey: result.public_key });
    }
  }
  if (wants("textual")) {
    const { signature } = await app.sign(path, Buffer.from(request.textual, "hex"), request.hrp, 1);
    result.textual_signature = hex(signature);
  }
  if (wants("refuse")) {
    const document = Buffer.from(Object.values(request.documents)[0]);
    result.refusal = describe(await app.sign(path, document, request.hrp).catch((error) => error));
  }
  await transport.close();
  return result;
});
