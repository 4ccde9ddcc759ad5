/*
 * fuzz/fuzz_pop3_command.c - POP3 command lines, and messages on their way out.
 *
 * The first line of the input is a command; the rest is a message that goes out in parts whose size
 * and number of lines that command gives.
 */
// LINK: pop3d/command.c
// LINK: pop3d/message_out.c
#include <stdlib.h>

#include "lib/base/http_probe.h"
#include "lib/base/mem.h"
#include "lib/base/strbuf.h"
#include "pop3d/command.h"
#include "pop3d/message_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
collect(void *arg, struct slice bytes)
{
    assert_always(strbuf_append(arg, bytes));
}

/* The output ends with a dot on a line of its own, and no line before it is one. */
static void
check_output(struct slice out)
{
    assert_always(slice_ends(out, SLICE(".\r\n")));
    assert_always(out.len == 3 || slice_ends(out, SLICE("\r\n.\r\n")));
    assert_always(slice_find(out, SLICE("\r\n.\r\n")) + 5 >= out.len);
}

static void
send_out(struct slice message, uint64_t part, uint64_t lines)
{
    struct strbuf out = strbuf_new(message.len * 3 + 16);
    struct message_out m = message_out_begin(collect, &out, lines);
    bool more = true;

    for (size_t at = 0; at < message.len && more; at += part)
        more = message_out_feed(&m, slice_sub(message, at, at + part));
    message_out_end(&m);
    check_output(strbuf_slice(&out));
    strbuf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make(data, size), line = slice_split(&rest, '\n');
    struct command_line parsed;
    uint64_t numbers[2] = {1, MESSAGE_OUT_ALL};

    if (command_parse(line, &parsed) == 0) {
        assert_always(parsed.verb.len + parsed.args.len <= line.len);
        (void)command_numbers(parsed.args, 0, 2, numbers); /* leaves them alone if there are none */
    }
    (void)http_probe(line);
    send_out(rest, numbers[0] % 4096 + 1, numbers[1]);
    return 0;
}
