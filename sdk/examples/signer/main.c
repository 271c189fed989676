/* Signer: keys at and below 44'/1', an address that is checked on the screen, and messages that are signed when approved.
 *
 * E0 01  version: 01 00 00
 * E0 02  address: P1 01 asks for approval first. Data: path (levels u8, u32 each). Answer: public key (65 bytes), length u8 and
 *        the address: the first 20 bytes of SHA-256 of the compressed public key, in hexadecimal digits
 * E0 03  sign. Data: path, then a message of 1 to 160 printable characters, which is shown. Answer: DER signature of its SHA-256
 *
 * 6985 not approved, 6982 a path or curve that is not the app's, 5515 locked, 6a80 data that is none of this
 */
#include "tally.h"

enum { OK = 0x9000, REFUSED = 0x6985, FORBIDDEN = 0x6982, LOCKED = 0x5515, WRONG_DATA = 0x6a80, UNKNOWN = 0x6d00 };
enum { KEY_BYTES = 65, ADDRESS_BYTES = 20, MAX_TEXT = 160 };

TALLY_APP_WITH_KEYS("Signer", "1.0.0", TALLY_SECP256K1, TALLY_PATH2(44 | TALLY_HARDENED, 1 | TALLY_HARDENED));

static uint8_t answer[KEY_BYTES + 1 + 2 * ADDRESS_BYTES + 1];

static uint16_t word_of(uint8_t status)
{
    return status == TALLY_STATUS_OK ? OK : status == TALLY_STATUS_LOCKED ? LOCKED : FORBIDDEN;
}

static void address_of(const uint8_t *key, char *text)
{
    uint8_t compressed[33], digest[32];
    compressed[0] = 2 + (key[64] & 1);
    for (uint32_t i = 1; i < sizeof compressed; i++) {
        compressed[i] = key[i];
    }
    tally_sha256(compressed, sizeof compressed, digest);
    tally_hex(digest, ADDRESS_BYTES, text);
}

static void address(const struct tally_apdu *apdu)
{
    uint32_t path[TALLY_MAX_LEVELS], levels;
    if (tally_read_path(apdu->data, apdu->size, path, &levels) != apdu->size || apdu->size == 0 || apdu->p1 > 1) {
        tally_answer(NULL, 0, WRONG_DATA);
        return;
    }
    uint8_t status = tally_public_key(TALLY_SECP256K1, path, levels, answer);
    if (status != TALLY_STATUS_OK) {
        tally_answer(NULL, 0, word_of(status));
        return;
    }
    char *text = (char *) answer + KEY_BYTES + 1;
    answer[KEY_BYTES] = 2 * ADDRESS_BYTES;
    address_of(answer, text);
    struct tally_item item = {"Address", text};
    if (apdu->p1 == 1 && !tally_review(TALLY_REVIEW_ADDRESS, &item, 1)) {
        tally_answer(NULL, 0, REFUSED);
        return;
    }
    tally_answer(answer, sizeof answer - 1, OK);
}

static void sign(const struct tally_apdu *apdu)
{
    uint32_t path[TALLY_MAX_LEVELS], levels, taken = tally_read_path(apdu->data, apdu->size, path, &levels);
    uint32_t size = apdu->size - taken;
    char text[MAX_TEXT + 1];
    uint8_t digest[32], signature[72], status;
    if (taken == 0 || size < 1 || size > MAX_TEXT) {
        tally_answer(NULL, 0, WRONG_DATA);
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        text[i] = (char) apdu->data[taken + i];
        if (text[i] < ' ' || text[i] > '~') { /* what cannot be shown is not signed */
            tally_answer(NULL, 0, WRONG_DATA);
            return;
        }
    }
    text[size] = 0;
    struct tally_item item = {"Message", text};
    if (!tally_review(TALLY_REVIEW_MESSAGE, &item, 1)) {
        tally_answer(NULL, 0, REFUSED);
        return;
    }
    tally_sha256((const uint8_t *) text, size, digest);
    uint32_t count = tally_sign(TALLY_SECP256K1, path, levels, digest, signature, &status);
    tally_answer(signature, count, word_of(status));
}

void app_main(void)
{
    static const uint8_t VERSION[] = {1, 0, 0};
    tally_idle("Signer");
    for (;;) {
        struct tally_apdu apdu = tally_receive();
        switch (apdu.cla == 0xe0 ? apdu.ins : 0xff) {
            case 0x01:
                tally_answer(VERSION, sizeof VERSION, OK);
                break;
            case 0x02:
                address(&apdu);
                break;
            case 0x03:
                sign(&apdu);
                break;
            default:
                tally_answer(NULL, 0, UNKNOWN);
        }
    }
}
