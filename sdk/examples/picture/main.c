/* Picture: an app that draws its screen by itself, pixel by pixel, and hears of buttons.
 *
 * E0 01  draw four strokes and wait for the person: the right button crosses them and answers 9000, the left one answers 6985
 *
 * The numbers are those of the vendor's system calls; what is drawn is visible once its area was refreshed.
 */
#include "tally.h"

enum { DRAW_RECT = 0x01fa0000, DRAW_IMAGE = 0x04fa0002, REFRESH = 0x03fa0003 };
enum { PACKET_SEPH = 1, BUTTON_EVENT = 5, LEFT = 2, RIGHT = 4 };
enum { OK = 0x9000, REFUSED = 0x6985, UNKNOWN = 0x6d00 };
enum { WIDTH = 128, HEIGHT = 64, STROKES = 4, DARK = 0, LIGHT = 3, CROSS = 32 };

TALLY_APP("Picture", "1.0.0");

/* a rectangle of the screen; `color` is behind a picture of one bit a pixel */
struct area {
    int16_t x, y;
    uint16_t width, height;
    uint8_t color, bits;
};

/* a kind, then an APDU, or what happened: tag, length (16 bits), the buttons that are down */
static uint8_t packet[1 + TALLY_MAX_APDU];
/* pixels run down the columns, the column on the right first, eight to a byte */
static uint8_t cross[CROSS * CROSS / 8];

static void rectangle(int16_t x, int16_t y, uint16_t width, uint16_t height, uint8_t color)
{
    struct area area = {x, y, width, height, color, 0};
    uint32_t arguments[] = {(uint32_t) &area};
    tally_call(DRAW_RECT, arguments, NULL);
}

static void refresh(void)
{
    struct area area = {0, 0, WIDTH, HEIGHT, DARK, 0};
    uint32_t arguments[] = {(uint32_t) &area, 0, 0};
    tally_call(REFRESH, arguments, NULL);
}

static void clear(void)
{
    rectangle(0, 0, WIDTH, HEIGHT, DARK);
}

static void strokes(void)
{
    for (int16_t i = 0; i < STROKES; i++) {
        rectangle((int16_t) (50 + 8 * i), 16, 3, CROSS, LIGHT);
    }
}

/* a line from the lower left to the upper right, over the strokes */
static void cross_out(void)
{
    for (uint32_t column = 0; column < CROSS; column++) {
        for (uint32_t row = 0; row < CROSS; row++) {
            uint32_t at = column * CROSS + row;
            uint8_t bit = (uint8_t) (0x80 >> at % 8);
            int is_stroke = (CROSS + 5 - column) % 8 < 3;
            int is_line = row <= column + 1 && column <= row + 1;
            cross[at / 8] = (uint8_t) (is_stroke || is_line ? cross[at / 8] | bit : cross[at / 8] & ~bit);
        }
    }
    struct area area = {48, 16, CROSS, CROSS, DARK, 0};
    uint32_t arguments[] = {(uint32_t) &area, (uint32_t) cross, 0, LIGHT};
    tally_call(DRAW_IMAGE, arguments, NULL);
}

static void wait(void)
{
    uint32_t arguments[] = {(uint32_t) packet, sizeof packet, 0};
    tally_call(CALL_OS_IO_RX_EVT, arguments, NULL);
}

static void answer(uint8_t kind, uint16_t status)
{
    uint8_t data[] = {(uint8_t) (status >> 8), (uint8_t) status};
    uint32_t arguments[] = {kind, (uint32_t) data, sizeof data, 0};
    tally_call(CALL_OS_IO_TX_CMD, arguments, NULL);
}

/* the buttons that were pressed, once they are up again */
static uint8_t pressed(void)
{
    uint8_t down = 0;
    for (;;) {
        wait();
        if (packet[0] == PACKET_SEPH && packet[1] == BUTTON_EVENT) {
            if (packet[4] == 0) {
                return down;
            }
            down |= packet[4];
        }
    }
}

static void ask(uint8_t kind)
{
    clear();
    strokes();
    refresh();
    uint8_t down;
    do {
        down = pressed();
    } while (down != LEFT && down != RIGHT);
    clear();
    if (down == RIGHT) {
        cross_out();
    }
    refresh();
    answer(kind, down == RIGHT ? OK : REFUSED);
}

void app_main(void)
{
    clear();
    rectangle(0, HEIGHT - 2, WIDTH, 2, LIGHT);
    refresh();
    for (;;) {
        wait();
        if (packet[0] == PACKET_SEPH) {
            continue;
        }
        if (packet[1] == 0xe0 && packet[2] == 0x01) {
            ask(packet[0]);
        } else {
            answer(packet[0], UNKNOWN);
        }
    }
}
