/* Screens by meaning: what is written here is a scene of docs/reference/scenes.md, and the OS draws it. */
#include "tally.h"

enum { MENU = 1, REVIEW = 3, NOTICE = 4, DECIDED = 2 };

static uint8_t request[1024];
static uint32_t used;

static void put(uint8_t byte)
{
    if (used < sizeof request) {
        request[used] = byte;
    }
    used++;
}

static void put_count(uint32_t count)
{
    put((uint8_t) (count >> 8));
    put((uint8_t) count);
}

static void put_text(const char *text)
{
    const char *at = tally_pic(text);
    uint32_t size = 0;
    while (at[size] != 0) {
        size++;
    }
    put_count(size);
    for (uint32_t i = 0; i < size; i++) {
        put((uint8_t) at[i]);
    }
}

static void begin(uint8_t call)
{
    used = 0;
    put(call);
}

/* returns the first byte of the answer behind the status OK, and the next one in `*more`; 0 when it did not fit or was refused */
static uint8_t ask(uint8_t *more)
{
    uint8_t outcome[8] = {0};
    if (used > sizeof request || tally_request(request, used, outcome, sizeof outcome) < 2) {
        return 0;
    }
    *more = outcome[2];
    return outcome[0] == TALLY_STATUS_OK ? outcome[1] : 0;
}

void tally_idle(const char *title)
{
    uint8_t more;
    begin(TALLY_IDLE);
    put(MENU);
    put_text(title);
    put_count(1);
    put_text("Quit");
    put_text(""); /* no value beside it */
    put_text(""); /* no icon */
    put_count(0); /* the first entry first */
    ask(&more);
}

int tally_review(uint8_t kind, const struct tally_item *items, uint32_t count)
{
    uint8_t approved = 0;
    begin(TALLY_ASK);
    put(REVIEW);
    put_count(count);
    for (uint32_t i = 0; i < count; i++) {
        put_text(items[i].title);
        put_count(1);
        put_text(items[i].value);
    }
    put(kind);
    put_count(2);
    put_text("Please");
    put_text("review");
    put_text("APPROVE");
    put_text("REJECT");
    return ask(&approved) == DECIDED && approved == 1;
}

void tally_notice(const char *text, uint8_t tone)
{
    uint8_t more;
    begin(TALLY_ASK);
    put(NOTICE);
    put_count(1);
    put_text(text);
    put_text("Ok");
    put(tone);
    ask(&more);
}

void tally_log(const char *text)
{
    uint8_t more;
    const char *at = tally_pic(text);
    begin(TALLY_LOG);
    for (uint32_t i = 0; at[i] != 0 && i < TALLY_MAX_LOG; i++) {
        put((uint8_t) at[i]);
    }
    ask(&more);
}
