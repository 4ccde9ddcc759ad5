/*
 * fuzz/fuzz_filter_packet.c - what a milter may answer, what a policy service may answer, and what
 * filterd and smtpd may say to each other.
 */
// LINK: filterd/packet.c
// LINK: filterd/policy_answer.c
// LINK: filterd/header_list.c
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/header_list.h"
#include "filterd/packet.h"
#include "filterd/policy_answer.h"
#include "lib/base/mem.h"
#include "lib/mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the value, the section has one more field and the same body behind it. */
static void
insert(const struct answer *answer)
{
    size_t body_at;
    struct header_list *list = header_list_new(SLICE("A: b\r\n\r\n"), &body_at);
    struct strbuf out = strbuf_new(1 << 20);
    struct header_field field;
    struct slice rest;
    unsigned fields = 0;

    header_list_insert(list, answer->index, answer->name, answer->value, false);
    assert_always(header_list_write(list, &out));
    rest = strbuf_slice(&out);
    while (header_next(&rest, &field) == HEADER_FIELD)
        fields++;
    assert_always(rest.len == 0 && fields == 2);
    strbuf_free(&out);
    header_list_free(&list);
}

static void
read_packets(struct slice input)
{
    struct packet_options options;
    struct packet packet;
    struct answer answer;

    while (packet_take(&input, &packet) == PACKET_WHOLE) {
        (void)packet_options_parse(packet.data, &options);
        if (packet_answer_parse(&packet, &answer) < 0)
            continue;
        if (answer.what == ANSWER_REPLY)
            assert_always(answer.code >= 400 && answer.code <= 599 &&
                          answer.dsn[0] == (char)('0' + answer.code / 100));
        if (answer.what == ANSWER_ADD_HEADER || answer.what == ANSWER_INSERT_HEADER)
            insert(&answer);
    }
}

static void
read_policy(struct slice input)
{
    size_t len = policy_answer_len(input);
    struct policy_answer answer;

    assert_always(len <= input.len);
    if (len == 0 || policy_answer_parse(slice_sub(input, 0, len), &answer) < 0)
        return;
    if (answer.action == POLICY_REFUSE)
        assert_always(answer.outcome.code >= 400 && answer.outcome.code <= 599);
}

static void
read_frames(struct slice payload)
{
    struct filterd_verdict verdict;
    struct filterd_connect connect;
    struct filterd_content content;
    struct filterd_helo helo;
    struct filterd_mail mail;
    struct filterd_rcpt rcpt;

    if (filterd_verdict_decode(payload, &verdict) == 0)
        filterd_verdict_clear(&verdict);
    (void)filterd_connect_decode(payload, &connect);
    (void)filterd_content_decode(payload, &content);
    (void)filterd_helo_decode(payload, &helo);
    (void)filterd_mail_decode(payload, &mail);
    (void)filterd_rcpt_decode(payload, &rcpt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_packets(slice_make(data, size));
    read_policy(slice_make(data, size));
    read_frames(slice_make(data, size));
    return 0;
}
