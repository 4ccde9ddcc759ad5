/*
 * filterd/policy_answer.c - "action=450 4.7.1 later", and the other actions.
 *
 * Input: bytes from a policy service. Untrusted: what goes into a reply or a header field is
 * checked. No I/O.
 */
#include "filterd/policy_answer.h"

#include <stdio.h>

#include "lib/base/parse.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

size_t
policy_answer_len(struct slice input)
{
    size_t bare = slice_find(input, SLICE("\n\n")), with_cr = slice_find(input, SLICE("\n\r\n"));

    if (bare < with_cr)
        return bare + 2;
    return with_cr < input.len ? with_cr + 3 : 0;
}

/* "action" is the one attribute that counts; the last one, as the README has it. */
static bool
find_action(struct slice lines, struct slice *action)
{
    bool found = false;

    while (lines.len > 0) {
        struct slice line = slice_trim(slice_split(&lines, '\n'));
        struct slice name = slice_split(&line, '=');

        if (slice_eq(name, SLICE("action"))) {
            *action = slice_trim(line);
            found = true;
        }
    }
    return found;
}

/* The text behind REJECT, DEFER and the like, with or without an enhanced code before it. */
static void
refuse(struct policy_answer *out, unsigned code, const char *dsn, struct slice text)
{
    char line[PACKET_TEXT_MAX + 8];
    struct answer reply = {0};

    (void)snprintf(line, sizeof(line), "%u %.*s", code,
                   (int)slice_sub(text, 0, PACKET_TEXT_MAX).len, text.len > 0 ? text.ptr : "");
    if (packet_reply_parse(slice_of(line), &reply) < 0)
        return; /* not of this code: never */
    out->action = POLICY_REFUSE;
    out->outcome.action = code == 421 ? FILTERD_SHUT_OUT : FILTERD_REFUSE;
    out->outcome.code = code;
    (void)snprintf(out->outcome.dsn, sizeof(out->outcome.dsn), "%s",
                   slice_starts(text, slice_make(reply.dsn, 2)) ? reply.dsn : dsn);
    (void)snprintf(out->outcome.text, sizeof(out->outcome.text), "%s",
                   text.len > 0 ? reply.text : "refused by a policy service");
}

static void
take_address(struct policy_answer *out, enum policy_action action, struct slice text)
{
    struct address parsed;

    if (slice_starts(text, SLICE("<")) && slice_ends(text, SLICE(">")))
        text = slice_sub(text, 1, text.len - 1);
    if (address_parse(text, ADDRESS_UTF8, &parsed) != ADDRESS_OK)
        return; /* stays unknown */
    out->action = action;
    out->text = text;
}

static void
take_field(struct policy_answer *out, struct slice text)
{
    struct header_field field;
    struct slice rest = text;

    if (header_next(&rest, &field) != HEADER_FIELD || rest.len > 0 || field.body.len == 0)
        return;
    out->action = POLICY_PREPEND;
    out->text = text;
}

static void
take_word(struct policy_answer *out, struct slice word, struct slice text)
{
    static const struct {
        const char *word;
        enum policy_action action;
    } plain[] = {{"DUNNO", POLICY_DUNNO},     {"OK", POLICY_OK},     {"PERMIT", POLICY_OK},
                 {"DISCARD", POLICY_DISCARD}, {"HOLD", POLICY_HOLD}, {"WARN", POLICY_WARN},
                 {"INFO", POLICY_WARN}};

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (slice_eq_nocase(word, slice_of(plain[i].word)))
            out->action = plain[i].action;
    if (out->action != POLICY_UNKNOWN) {
        out->text = text;
        return;
    }
    if (slice_eq_nocase(word, SLICE("REJECT"))) {
        refuse(out, 554, "5.7.1", text);
    } else if (slice_eq_nocase(word, SLICE("DEFER"))) {
        refuse(out, 450, "4.7.1", text);
    } else if (slice_eq_nocase(word, SLICE("DEFER_IF_PERMIT"))) {
        refuse(out, 450, "4.7.1", text);
        out->action = POLICY_DEFER_IF_PERMIT;
    } else if (slice_eq_nocase(word, SLICE("DEFER_IF_REJECT"))) {
        refuse(out, 450, "4.7.1", text);
        out->action = POLICY_DEFER_IF_REJECT;
    } else if (slice_eq_nocase(word, SLICE("PREPEND"))) {
        take_field(out, text);
    } else if (slice_eq_nocase(word, SLICE("REDIRECT"))) {
        take_address(out, POLICY_REDIRECT, text);
    } else if (slice_eq_nocase(word, SLICE("BCC"))) {
        take_address(out, POLICY_BCC, text);
    }
}

int
policy_answer_parse(struct slice lines, struct policy_answer *out)
{
    struct slice action, text, word;
    uint64_t code;

    *out = (struct policy_answer){.action = POLICY_UNKNOWN, .outcome = outcome_go_on};
    if (!find_action(lines, &action) || action.len == 0)
        return -1;
    text = action;
    out->text = action;
    word = slice_split(&text, ' ');
    text = slice_trim(text);
    if (parse_u64(word, 599, &code) == 0 && code >= 400 && word.len == 3)
        refuse(out, (unsigned)code, code < 500 ? "4.7.1" : "5.7.1", text);
    else if (parse_u64(word, UINT32_MAX, &code) == 0) /* all numerical: OK (access(5)) */
        out->action = POLICY_OK;
    else
        take_word(out, word, text);
    return 0;
}
