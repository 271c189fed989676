/* Numbers of system calls, written by scripts/sdk_header from tallystick/wire/syscall.py: do not edit. */
#ifndef TALLY_CALL_H
#define TALLY_CALL_H

/* calls that every app can make, in C through tally_request; what goes in, what comes out: docs/reference/syscalls */
/* Answer the APDU in hand with `response`, if any, then wait. Value: an AppEvent. Body: Empty, or status u16 and the answer's data. */
#define TALLY_EXCHANGE 0x01

/* End the app; no outcome comes. With a reason (256 printable characters) it ends as one that failed. Body: UTF-8. */
#define TALLY_EXIT 0x02

/* Say something to the developer: at most 256 printable characters, never a secret. Body: UTF-8. */
#define TALLY_LOG 0x03

/* Answer the APDU in hand and go on: what a native app has answered when it ends. Body: Status u16 and the answer's data. */
#define TALLY_ANSWER 0x04

/* Send reports to whoever listens, 1 to `MAX_REPORTS` of 64 bytes each, in order. Body: 64 bytes for each report. */
#define TALLY_SEND_REPORTS 0x05

/* Show a scene and wait for the person. Value: an Answer, or None for Progress. Body: One scene. */
#define TALLY_ASK 0x10

/* Set the menu shown while the app waits; choices come as MenuEvent. Body: One scene, a menu. */
#define TALLY_IDLE 0x11

/* Show `painting`, if any, answer the APDU in hand with `response`, if any, then wait. Value: an event. Body: Return flags u8 (bits 0 ticks, 1 an answer, 2 a painting), the answer's status u16, length u32 and data, the painting's body. */
#define TALLY_WAIT 0x12

/* Put w x h pixels of `bits` each at (x, y) into the app's picture; rows are padded to whole bytes. Body: Place u16 each, bits u8, pixels, count u8 (FF: no texts told) and each text: place, kind and fresh u8, length u16 and UTF-8. */
#define TALLY_PAINT 0x13

/* Derive a public key. Value: 65 bytes uncompressed (secp256k1, secp256r1) or 32 bytes (ed25519). Body: Curve u8, count u8, levels u32. */
#define TALLY_PUBLIC_KEY 0x20

/* Sign with the key at `path`: a 32-byte digest (ECDSA, DER, RFC 6979, low S) or a message (ed25519, 64 bytes). Body: Curve u8, count u8, levels u32, digest or message. */
#define TALLY_SIGN 0x21

/* Derive a private key for a native app, whose SDK computes with it. Value: private key, chain code (32 bytes each). Body: Curve u8, count u8, levels u32, the seed key with its length. */
#define TALLY_DERIVE_NODE 0x22

/* Derive a secret by another scheme for a native app; `path` has at most 128 bytes, 4096 in a registered tree. Value: see `Scheme`. Body: Scheme u8, then the path. */
#define TALLY_DERIVE_SECRET 0x23

/* Ask which seed this is, for a native app that may derive on secp256k1. Value: HASH160 of the root's public key (20 bytes). Body: Nothing. */
#define TALLY_MASTER_IDENTIFIER 0x24

/* Ask for `size_bytes` (1 to 1024) random bytes. Value: bytes. Body: Size u16. */
#define TALLY_RANDOM 0x28

/* Read a setting the manifest declares. Value: bool. Body: Return the name as UTF-8. */
#define TALLY_READ_SETTING 0x30

/* Set a setting the manifest declares; kept in flash. Body: Value u8, name. */
#define TALLY_WRITE_SETTING 0x31

/* Read the app's own record `name` (1 to 32 characters). Value: bytes, or None when there is none. Body: Return the name as UTF-8. */
#define TALLY_READ_RECORD 0x38

/* Write the app's own record `name`, whole and at once, at most 16 KiB; None removes it. Body: LV name, present u8, bytes. */
#define TALLY_WRITE_RECORD 0x39

/* Ask for the app's own code hash. Value: 32 bytes; no key is needed. Body: Return the request's body. */
#define TALLY_ENDORSEMENT_CODE_HASH 0x40

/* Ask for the public key of a slot. Value: 65 bytes. Body: Slot u8. */
#define TALLY_ENDORSEMENT_PUBLIC_KEY 0x41

/* Ask for the owner's certificate of a slot. Value: 1 to 72 bytes, as they were stored. Body: Slot u8. */
#define TALLY_ENDORSEMENT_CERTIFICATE 0x42

/* Ask how many keys the slot has seen since the device was reset. Value: 8 bytes; zero for an empty slot. Body: Slot u8. */
#define TALLY_ENDORSEMENT_METADATA 0x43

/* Ask for the secret that attestation key 1 gives this app alone. Value: 64 bytes. Body: Return the request's body. */
#define TALLY_ENDORSEMENT_APP_SECRET 0x44

/* Sign message and code hash with attestation key 1. Value: DER of at most 72 bytes. Body: Return the message. */
#define TALLY_ENDORSEMENT_SIGN 0x45

/* Sign the message alone with attestation key 1: for apps that may speak for all apps. Value: DER. Body: Return the message. */
#define TALLY_ENDORSEMENT_SIGN_WITHOUT_CODE_HASH 0x46

/* Sign the message with the key that attestation key 2 has for this app. Value: DER. Body: Return the message. */
#define TALLY_ENDORSEMENT_DERIVE_AND_SIGN 0x47

/* Run the app `name` as a library, after answering the APDU in hand if there is an answer. Value: a LibraryResult. Body: Name LV, argument and stack u32, the answer with its length u32 before it (0: none), then RAM. */
#define TALLY_CALL_LIBRARY 0x50

/* End as a library, with an exception for the caller (0: none); no outcome comes. Body: Exception u32, the answer with its length u32 before it (0: none), then RAM. */
#define TALLY_LEAVE_LIBRARY 0x51

/* Compute the public key of `private` (32 bytes, secp256k1). Value: 65 bytes. Body: Return the private key. */
#define TALLY_PUBLIC_OF 0x60

/* Sign a 32-byte digest with `private` (32 bytes, secp256k1). Value: DER, RFC 6979, low S. Body: Private key, digest. */
#define TALLY_SIGN_WITH 0x61

/* Check a DER signature of `public` (65 bytes) over a 32-byte digest; a high S counts, too. Value: bool. Body: Public key, digest, signature. */
#define TALLY_VERIFY 0x62

/* Agree with `public` (65 bytes) by `private` (32). Value: SHA-256 of the compressed common point, 32 bytes. Body: Private key, public key. */
#define TALLY_AGREE 0x63

/* Encrypt or decrypt whole blocks with AES-128-CBC, without padding. Value: as many bytes as `data` has. Body: Encrypt u8, key, IV, data. */
#define TALLY_CIPHER 0x64

/* the first byte of an outcome: how a call ended */
#define TALLY_STATUS_OK 0
#define TALLY_STATUS_NOT_PERMITTED 1
#define TALLY_STATUS_BAD_ARGUMENT 2
#define TALLY_STATUS_LOCKED 3
#define TALLY_STATUS_ABORTED 4
#define TALLY_STATUS_NOT_SUPPORTED 5
#define TALLY_STATUS_NO_SPACE 6
#define TALLY_STATUS_EMPTY 7
#define TALLY_STATUS_DAMAGED 8
#define TALLY_STATUS_NO_RESULT 9

/* curves, as bits of the install parameters and in calls */
#define TALLY_SECP256K1 0x01
#define TALLY_SECP256R1 0x02
#define TALLY_ED25519 0x04

/* what is reviewed, and how serious a notice is */
#define TALLY_REVIEW_TRANSACTION 0
#define TALLY_REVIEW_ADDRESS 1
#define TALLY_REVIEW_MESSAGE 2
#define TALLY_REVIEW_OTHER 3
#define TALLY_TONE_INFO 0
#define TALLY_TONE_SUCCESS 1
#define TALLY_TONE_WARNING 2
#define TALLY_TONE_FAILURE 3

/* limits: bytes of a record, of a log line, of random bytes at once; levels of a path */
#define TALLY_MAX_RECORD 16384
#define TALLY_MAX_LOG 256
#define TALLY_MAX_RANDOM 1024
#define TALLY_MAX_LEVELS 10

/* calls by svc 1 under the numbers of API level 26; bits 24 to 27 count the arguments of most */
#define CALL_TALLY_REQUEST 0x04f00001u
#define CALL_OS_SCHED_EXIT 0x0100009au
#define CALL_OS_IO_RX_EVT 0x03000089u
#define CALL_OS_IO_TX_CMD 0x04000088u
#define CALL_NVM_WRITE 0x03000003u
#define CALL_OS_ENDORSEMENT_GET_CODE_HASH 0x01000055u
#define CALL_OS_ENDORSEMENT_GET_PUBLIC_KEY 0x03000056u
#define CALL_OS_ENDORSEMENT_GET_PUBLIC_KEY_CERTIFICATE 0x03000057u
#define CALL_OS_ENDORSEMENT_KEY1_GET_APP_SECRET 0x01000058u
#define CALL_OS_ENDORSEMENT_KEY1_SIGN_DATA 0x04000059u
#define CALL_OS_ENDORSEMENT_KEY1_SIGN_WITHOUT_CODE_HASH 0x0400005bu
#define CALL_OS_ENDORSEMENT_GET_METADATA 0x02000138u

/* models that native apps run on, by their target id; TALLY_TARGET is the one that is built for */
#define TALLY_TARGET_NANOS "0x31100004"
#define TALLY_TARGET_NANOX "0x33000004"
#define TALLY_TARGET_NANOSP "0x33100004"
#define TALLY_TARGET_STAX "0x33200004"
#define TALLY_TARGET_FLEX "0x33300004"
#define TALLY_TARGET_APEX_P "0x33400004"

#endif
