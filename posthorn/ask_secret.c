/*
 * posthorn/ask_secret.c - a secret from the terminal, or from a pipe.
 */
#include "posthorn/ask_secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/mem.h"

enum { LINE_BYTES_MAX = 1024 };

/* What a terminal gives at once is one line. */
static int
read_line(const struct cli *cli, struct strbuf *out)
{
    char *room = strbuf_room(out, LINE_BYTES_MAX);
    ssize_t n = read(STDIN_FILENO, room, LINE_BYTES_MAX);

    if (n < 0)
        return cli_fail(cli, "the terminal: %s", strerror(errno));
    strbuf_grew(out, (size_t)n);
    if (!strbuf_ends_with(out, "\n") || n == 1)
        return cli_fail(cli, "expected one line");
    strbuf_truncate(out, out->len - 1);
    return CLI_OK;
}

int
ask_secret(const struct cli *cli, const char *prompt, struct strbuf *out)
{
    struct termios before, silent;
    int rc;

    if (tcgetattr(STDIN_FILENO, &before) < 0) /* no terminal */
        return cli_read_secret(cli, "-", out);
    *out = strbuf_new(LINE_BYTES_MAX);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
        return cli_fail(cli, "the terminal: %s", strerror(errno));
    (void)fputs(prompt, stderr); /* from here on what is typed counts, and is not shown */
    rc = read_line(cli, out);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before); /* as it was; nothing to be done if not */
    (void)fputc('\n', stderr);
    return rc;
}
