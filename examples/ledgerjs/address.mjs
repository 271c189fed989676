// An address and a signature by ledgerjs: npm install @ledgerhq/hw-transport-http @ledgerhq/hw-app-cosmos, then
//
//     tally up --seed "test test test test test test test test test test test junk" --open cosmos
//     node address.mjs
//
// Press the right button until the device asks for approval, then both.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const httpTransport = require("@ledgerhq/hw-transport-http").default;
const Cosmos = require("@ledgerhq/hw-app-cosmos").default;

const url = process.argv[2] ?? "http://127.0.0.1:5000";
const path = "44'/118'/0'/0/0";

const transport = await httpTransport([url]).create();
const cosmos = new Cosmos(transport);

const { address, publicKey } = await cosmos.getAddress(path, "cosmos");
console.log("public key", publicKey);
console.log("address", address);

const coins = (amount) => [{ amount, denom: "uatom" }];
const document = {
  account_number: "12",
  chain_id: "cosmoshub-4",
  fee: { amount: coins("5000"), gas: "200000" },
  memo: "",
  msgs: [
    {
      type: "cosmos-sdk/MsgSend",
      value: {
        amount: coins("1500000"),
        from_address: address,
        to_address: "cosmos1erxf3sa9q2j4vgseu7jq4a258ckmk7cy076t8z",
      },
    },
  ],
  sequence: "7",
};
const { signature } = await cosmos.sign(path, JSON.stringify(document));
console.log("signature", signature.toString("hex"));
await transport.close();
