// Drives cosmjs' LedgerSigner over any of the ledgerjs transports, and builds a whole transaction with it.
import { makeSignDoc, serializeSignDoc, decodeSignature } from "@cosmjs/amino";
import { Secp256k1Signature } from "@cosmjs/crypto";
import { fromUtf8 } from "@cosmjs/encoding";
import { SigningStargateClient } from "@cosmjs/stargate";
import { addressOf, describe, hex, judge, main, request, require, wants } from "./session.mjs";
import { openTransport } from "./transport.mjs";

const { LedgerSigner } = require("@cosmjs/ledger-amino");

const derOf = (raw) => hex(Secp256k1Signature.fromFixedLength(raw).toDer());

// What the signer answered, brought into the form the other scripts use.
function fromAnswer({ signed, signature }) {
  const { pubkey, signature: raw } = decodeSignature(signature);
  return judge({ document: fromUtf8(serializeSignDoc(signed)), der: derOf(raw), publicKey: hex(pubkey) });
}

// A transfer made by cosmjs' own client, which hands the amino document to the signer; no chain is asked.
async function signTransaction(signer, address) {
  const client = await SigningStargateClient.offline(signer);
  const send = {
    typeUrl: "/cosmos.bank.v1beta1.MsgSend",
    value: { fromAddress: address, toAddress: request.recipient, amount: [{ denom: "uatom", amount: "1234567" }] },
  };
  const fee = { amount: [{ denom: "uatom", amount: "4000" }], gas: "180000" };
  const chain = { accountNumber: 7, sequence: 9, chainId: "cosmoshub-4" };
  const { signatures } = await client.sign(address, [send], fee, "built by cosmjs", chain);
  const amino = {
    type: "cosmos-sdk/MsgSend",
    value: { from_address: address, to_address: request.recipient, amount: send.value.amount },
  };
  const document = serializeSignDoc(makeSignDoc([amino], fee, chain.chainId, "built by cosmjs", 7, 9));
  return { document: fromUtf8(document), der: derOf(signatures[0]) };
}

await main(async () => {
  const transport = await openTransport();
  const signer = new LedgerSigner(transport);
  const result = {};
  if (wants("address")) {
    const [account] = await signer.getAccounts();
    const publicKey = hex(account.pubkey);
    Object.assign(result, {
      address: account.address,
      public_key: publicKey,
      computed_address: addressOf(publicKey, request.hrp),
    });
  }
  if (wants("show")) result.shown_address = (await signer.showAddress()).address;
  if (wants("sign")) {
    result.signatures = {};
    for (const [name, document] of Object.entries(request.documents))
      result.signatures[name] = await fromAnswer(await signer.signAmino(result.address, JSON.parse(document)));
    const built = await signTransaction(signer, result.address);
    result.signatures.built = await judge({ ...built, publicKey: result.public_key });
  }
  if (wants("refuse")) {
    const document = JSON.parse(Object.values(request.documents)[0]);
    result.refusal = describe(await signer.signAmino(result.address, document).catch((error) => error));
  }
  await transport.close();
  return result;
});
