/*
 * posthorn/qr_code.c - text as a QR code on the terminal (libqrencode).
 *
 * Two rows of modules in one line. Dark modules are blanks and light ones are blocks: on the usual
 * dark terminal that is a code as readers expect it, with the quiet zone of four modules around it.
 */
#include "posthorn/qr_code.h"

#include <qrencode.h>
#include <stdbool.h>
#include <stdio.h>

enum { QUIET_ZONE = 4 };

static bool
is_light(const QRcode *code, int row, int column)
{
    if (row < 0 || column < 0 || row >= code->width || column >= code->width)
        return row < code->width + QUIET_ZONE;
    return (code->data[row * code->width + column] & 1) == 0;
}

void
qr_code_print(const char *text)
{
    static const char *const blocks[2][2] = {{" ", "\xe2\x96\x84"},
                                             {"\xe2\x96\x80", "\xe2\x96\x88"}};
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);

    if (code == NULL)
        return;
    for (int row = -QUIET_ZONE; row < code->width + QUIET_ZONE; row += 2) {
        for (int column = -QUIET_ZONE; column < code->width + QUIET_ZONE; column++)
            (void)fputs(blocks[is_light(code, row, column)][is_light(code, row + 1, column)],
                        stdout); /* the stream is tested at the end */
        (void)fputc('\n', stdout);
    }
    QRcode_free(code);
}
