/*
 * imapd/store.c - STORE: changes flags (RFC 3501 section 6.4.6).
 */
#include <errno.h>

#include "imapd/command.h"
#include "imapd/flags.h"
#include "imapd/selection.h"
#include "imapd/updates.h"

struct store_args {
    struct seqset set;
    enum mailbox_flag_op op;
    bool silent;
    struct flag_list list;
};

static bool
parse_args(struct parser *p, struct store_args *out)
{
    *out = (struct store_args){.op = MAILBOX_FLAGS_SET};
    if (!parser_space(p) || !seqset_parse(p, &out->set) || !parser_space(p))
        return false;
    if (parser_optional(p, '+'))
        out->op = MAILBOX_FLAGS_ADD;
    else if (parser_optional(p, '-'))
        out->op = MAILBOX_FLAGS_REMOVE;
    out->silent = parser_word(p, "FLAGS.SILENT");
    if (!out->silent && !parser_word(p, "FLAGS"))
        return parser_fail(p, "Unknown item");
    return parser_space(p) && flag_list_parse_store(p, &out->list) && parser_end(p);
}

static struct reply
change(struct session *s, const struct store_args *args, const struct selection *sel,
       unsigned flags)
{
    bool make = args->op != MAILBOX_FLAGS_REMOVE, missing = false;
    uint64_t keywords;

    if (sel->count == 0)
        return reply_ok("No matching messages, so nothing stored");
    if (!flags_keyword_bits(s->mailbox, &args->list, make, &keywords))
        return reply_no("LIMIT", "Too many keywords, or a keyword is too long");
    if (mailbox_store_flags(s->mailbox, sel->seqs, sel->count, args->op, args->list.flags, keywords,
                            0, NULL, NULL) < 0)
        return reply_errno();
    updates_send_keywords(s);
    for (uint32_t i = 0; i < sel->count; i++) {
        bool expunged = mailbox_is_expunged(s->mailbox, sel->seqs[i]);

        missing = missing || expunged;
        if (!args->silent && !expunged)
            updates_send_flags(s, sel->seqs[i], (flags & COMMAND_UID) != 0);
    }
    if (missing) /* RFC 2180 section 4.2.1 */
        return reply_no("EXPUNGEISSUED", "Some messages were expunged meanwhile");
    return reply_ok("Store completed");
}

struct reply
store_store(struct session *s, struct parser *p, unsigned flags)
{
    struct store_args args;
    struct selection sel;

    if (!parse_args(p, &args) || !selection_make(s, p, &args.set, flags, &sel))
        return reply_bad(p->error);
    if (s->read_only)
        return reply_no("NOPERM", "Mailbox is read-only");
    if ((args.list.flags & MESSAGE_DELETED) && !s->may_remove && args.op != MAILBOX_FLAGS_REMOVE)
        return reply_no("NOPERM", "This user may not remove mail");
    return change(s, &args, &sel, flags);
}
