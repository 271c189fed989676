/* Oracle: says how often it was asked, and proves who says so.
 *
 * A statement is "TALLY" and a zero, the number of the question (32 bits, big endian), and the challenge of whoever asks. Attestation
 * key 1 signs it together with the code hash of this app: SHA-256 of statement and code hash, ECDSA, DER. The owner's certificate
 * tells whose device it is. `tally attest verify` checks it.
 *
 * E0 01  version: 01 00 00
 * E0 02  the code hash (32 bytes)
 * E0 03  the public key of attestation key 1 (65 bytes)
 * E0 04  the owner's certificate of it (at most 72 bytes)
 * E0 05  ask. Data: challenge, 16 to 64 bytes. Answer: number (4 bytes), DER signature
 *
 * What the OS refuses is answered with the OS's own word: 4103 to 4106 where there is no such key or certificate.
 */
#include "tally.h"

enum { OK = 0x9000, WRONG_LENGTH = 0x6700, NO_FLASH = 0x6984, UNKNOWN = 0x6d00 };
enum { SLOT = 1, HEAD_BYTES = 6, MIN_CHALLENGE = 16, MAX_CHALLENGE = 64, MAX_SIGNATURE = 72 };

TALLY_APP("Oracle", "1.0.0");

TALLY_KEEP const volatile uint32_t questions = 0;

static uint8_t room[4 + MAX_SIGNATURE];

/* answer what a call has put into `room`, or the word it ended with */
static void answer(uint32_t word, uint32_t size)
{
    tally_answer(room, word == 0 ? size : 0, word == 0 ? OK : (uint16_t) word);
}

static uint32_t call(uint32_t number, const uint32_t *arguments)
{
    uint32_t thrown, word = tally_call(number, arguments, &thrown);
    return thrown != 0 ? thrown : word;
}

/* from API level 26 on, this call takes the room as well */
static void code_hash(void)
{
    uint32_t arguments[] = {(uint32_t) room, sizeof room};
    answer(call(CALL_OS_ENDORSEMENT_GET_CODE_HASH, arguments), 32);
}

/* the length holds the room at first */
static void of_slot(uint32_t number)
{
    uint32_t size = sizeof room, arguments[] = {SLOT, (uint32_t) room, (uint32_t) &size};
    uint32_t word = call(number, arguments);
    answer(word, size);
}

static void ask(const struct tally_apdu *apdu)
{
    static const uint8_t HEAD[HEAD_BYTES] = {'T', 'A', 'L', 'L', 'Y', 0};
    uint8_t statement[HEAD_BYTES + 4 + MAX_CHALLENGE];
    uint32_t number = questions + 1, size = MAX_SIGNATURE;
    if (apdu->size < MIN_CHALLENGE || apdu->size > MAX_CHALLENGE) {
        tally_answer(NULL, 0, WRONG_LENGTH);
        return;
    }
    /* counted before it is answered: no number is ever said twice */
    if (tally_keep(&questions, &number, sizeof number) != 0) {
        tally_answer(NULL, 0, NO_FLASH);
        return;
    }
    for (uint32_t i = 0; i < HEAD_BYTES; i++) {
        statement[i] = HEAD[i];
    }
    for (uint32_t i = 0; i < 4; i++) {
        statement[HEAD_BYTES + i] = room[i] = (uint8_t) (number >> (24 - 8 * i));
    }
    for (uint32_t i = 0; i < apdu->size; i++) {
        statement[HEAD_BYTES + 4 + i] = apdu->data[i];
    }
    uint32_t arguments[] = {
        (uint32_t) statement, HEAD_BYTES + 4 + apdu->size, (uint32_t) (room + 4), (uint32_t) &size};
    uint32_t word = call(CALL_OS_ENDORSEMENT_KEY1_SIGN_DATA, arguments);
    answer(word, 4 + size);
}

static void serve(const struct tally_apdu *apdu)
{
    static const uint8_t VERSION[] = {1, 0, 0};
    switch (apdu->cla == 0xe0 ? apdu->ins : 0xff) {
        case 0x01:
            tally_answer(VERSION, sizeof VERSION, OK);
            break;
        case 0x02:
            code_hash();
            break;
        case 0x03:
            of_slot(CALL_OS_ENDORSEMENT_GET_PUBLIC_KEY);
            break;
        case 0x04:
            of_slot(CALL_OS_ENDORSEMENT_GET_PUBLIC_KEY_CERTIFICATE);
            break;
        case 0x05:
            ask(apdu);
            break;
        default:
            tally_answer(NULL, 0, UNKNOWN);
    }
}

void app_main(void)
{
    tally_idle("Oracle");
    for (;;) {
        struct tally_apdu apdu = tally_receive();
        serve(&apdu);
    }
}
