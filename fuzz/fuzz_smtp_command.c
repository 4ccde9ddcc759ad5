/*
 * fuzz/fuzz_smtp_command.c - SMTP command lines with their parameters, and mail data.
 *
 * The input is taken as a command line, and once more as what follows DATA, cut in two at each
 * of its first places: the result must not depend on the cut.
 */
// LINK: smtpd/line.c
// LINK: smtpd/params.c
// LINK: smtpd/params_terms.c
// LINK: smtpd/dot.c
// LINK: smtpd/content.c
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/http_probe.h"
#include "lib/base/mem.h"
#include "smtpd/content.h"
#include "smtpd/dot.h"
#include "smtpd/line.h"
#include "smtpd/params.h"

enum { CUTS_MAX = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct slice line)
{
    struct slice verb, args;
    struct mail_args mail;
    struct rcpt_args rcpt;
    struct refusal why = {0};

    (void)http_probe(line);
    if (line_parse(line, &verb, &args) < 0)
        args = line;
    for (int extended = 0; extended < 2; extended++) {
        const struct param_rules rules = {extended == 1, EXTENSION_ALL};

        if (mail_args_parse(args, &rules, &mail, &why) < 0)
            assert_always(why.code >= 500 && why.text != NULL);
        else
            assert_always(mail.priority >= -9 && mail.priority <= 9);
        if (rcpt_args_parse(args, &rules, true, &rcpt, &why) < 0)
            assert_always(why.code >= 500 && why.text != NULL);
    }
}

/* Decodes up to the end of data. Returns how many bytes of `data` that took, or SIZE_MAX. */
static size_t
decode(struct slice data, size_t cut, struct strbuf *content)
{
    struct slice parts[2] = {slice_sub(data, 0, cut), slice_sub(data, cut, data.len)};
    struct content_scan scan = {0};
    struct dot_decoder dot;

    dot_begin(&dot);
    for (size_t i = 0; i < 2; i++) {
        enum dot_result result;
        struct slice piece;

        while ((result = dot_next(&dot, &parts[i], &piece)) == DOT_PIECE) {
            assert_always(piece.len > 0 && strbuf_append(content, piece));
            content_scan(&scan, piece);
        }
        if (result == DOT_END)
            return data.len - parts[i].len - (i == 0 ? parts[1].len : 0);
    }
    content_scan_end(&scan);
    return SIZE_MAX;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct strbuf whole = strbuf_new(size + 1), parts = strbuf_new(size + 1);
    size_t end = decode(text, size, &whole);

    check_line(text);
    if (end != SIZE_MAX) /* nothing but CRLF.CRLF ends data */
        assert_always(end == 3 ? slice_starts(text, SLICE(".\r\n"))
                               : slice_ends(slice_sub(text, 0, end), SLICE("\r\n.\r\n")));
    for (size_t cut = 0; cut < size && cut < CUTS_MAX; cut++) {
        strbuf_clear(&parts);
        assert_always(decode(text, cut, &parts) == end);
        assert_always(slice_eq(strbuf_slice(&parts), strbuf_slice(&whole)));
    }
    strbuf_free(&whole);
    strbuf_free(&parts);
    return 0;
}
