/*
 * imapd/store.c - STORE: changes flags (RFC 3501 section 6.4.6).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/flags.h"
#include "imapd/message_limit.h"
#include "imapd/places.h"
#include "imapd/updates.h"

#define FLAG_RIGHTS ((uint32_t)(RIGHT_SEEN | RIGHT_WRITE | RIGHT_DELETE_MESSAGE))

struct store_args {
    struct seqset set;
    enum mailbox_flag_op op;
    bool silent;
    struct flag_list list;
    bool conditional; /* RFC 7162 section 3.1.3 */
    uint64_t unchanged_since;
};

/* ["(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")" SP] */
static bool
parse_modifier(struct parser *p, struct store_args *out)
{
    if (!parser_optional(p, '('))
        return p->error == NULL;
    if (!parser_word(p, "UNCHANGEDSINCE"))
        return parser_fail(p, "Unknown modifier");
    out->conditional = true;
    return parser_space(p) && parser_number64(p, &out->unchanged_since) && parser_char(p, ')') &&
           parser_space(p);
}

static bool
parse_args(struct parser *p, struct store_args *out)
{
    *out = (struct store_args){.op = MAILBOX_FLAGS_SET};
    if (!parser_space(p) || !seqset_parse(p, &out->set) || !parser_space(p) ||
        !parse_modifier(p, out))
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

struct outcome {
    bool *skipped, *changed; /* of each selected message */
    uint32_t *modified;      /* numbers or UIDs of those that were skipped */
    uint32_t modified_count;
    bool missing; /* some were expunged meanwhile */
};

/* Changes what may be changed. 0, or -1 with errno. */
static int
apply(struct session *s, const struct store_args *args, const struct selection *sel,
      uint64_t keywords, struct outcome *out)
{
    *out = (struct outcome){
        .skipped = arena_alloc(&s->arena, sel->count),
        .changed = arena_alloc(&s->arena, sel->count),
        .modified = arena_alloc(&s->arena, sel->count * sizeof(uint32_t)),
    };
    if (!args->conditional || args->unchanged_since > 0)
        return mailbox_store_flags(s->mailbox, sel->seqs, sel->count, args->op, args->list.flags,
                                   keywords, args->unchanged_since, out->skipped, out->changed);
    for (uint32_t i = 0; i < sel->count; i++) /* every message has a MODSEQ above 0 */
        out->skipped[i] = true;
    return 0;
}

/* The FETCH response of message i, if there is to be one: the new MODSEQ also with .SILENT (RFC
 * 7162 section 3.1.3), and the flags of those that stood in the way. */
static void
tell(struct session *s, const struct store_args *args, uint32_t seq, uint32_t i,
     const struct outcome *out, bool is_uid)
{
    bool aware = (s->enabled & ENABLED_CONDSTORE) != 0;

    if (!args->silent || out->skipped[i])
        updates_send_flags(s, seq, is_uid);
    else if (args->conditional || (aware && out->changed[i]))
        updates_send_modseq(s, seq);
}

/* What the tagged reply has to say of message i. */
static void
note(const struct session *s, uint32_t seq, uint32_t i, struct outcome *out, bool is_uid)
{
    if (mailbox_is_expunged(s->mailbox, seq))
        out->missing = true;
    else if (out->skipped[i])
        out->modified[out->modified_count++] = is_uid ? mailbox_message(s->mailbox, seq)->uid : seq;
}

static struct reply
finish(struct session *s, struct outcome *out)
{
    const char *code = NULL;

    if (out->modified_count > 0) {
        (void)strbuf_str(&s->code, "MODIFIED ");
        seqset_write(out->modified, out->modified_count, &s->code);
        code = strbuf_cstr(&s->code);
    }
    if (out->missing) /* RFC 2180 section 4.2.1 */
        return reply_no(code != NULL ? code : "EXPUNGEISSUED",
                        "Some messages were expunged meanwhile");
    return (struct reply){
        REPLY_OK, code, code != NULL ? "Some messages were changed meanwhile" : "Store completed"};
}

static struct reply
change(struct session *s, const struct store_args *args, struct selection *sel, bool is_uid)
{
    uint32_t lowest_uid = message_limit_cut(s, sel);
    bool make = args->op != MAILBOX_FLAGS_REMOVE;
    struct outcome out;
    uint64_t keywords;

    if (args->conditional)
        condstore_enable(s);
    if (sel->count == 0)
        return reply_ok("No matching messages, so nothing stored");
    if (!flags_keyword_bits(s->mailbox, &args->list, make, &keywords))
        return reply_no("LIMIT", "Too many keywords, or a keyword is too long");
    if (apply(s, args, sel, keywords, &out) < 0)
        return reply_errno();
    updates_send_keywords(s);
    for (uint32_t i = 0; i < sel->count; i++)
        note(s, sel->seqs[i], i, &out, is_uid);
    for (uint32_t i = 0; i < sel->count; i++) {
        uint32_t at = message_limit_place(sel, lowest_uid, i);

        if (!mailbox_is_expunged(s->mailbox, sel->seqs[at]))
            tell(s, args, sel->seqs[at], at, &out, is_uid);
    }
    return message_limit_reply(s, lowest_uid, finish(s, &out));
}

/* Leaves what the rights do not allow out of the list. False: nothing that was named is left (RFC
 * 4314 section 4); an empty list names all flags. */
static bool
keep_allowed(uint32_t rights, struct flag_list *list)
{
    uint32_t allowed = place_flags_allowed(rights, UINT32_MAX);
    bool named = list->flags != 0 || list->keyword_count > 0;

    list->flags &= allowed;
    if ((allowed & MESSAGE_KEYWORDS) == 0)
        list->keyword_count = 0;
    return named ? list->flags != 0 || list->keyword_count > 0 : (rights & FLAG_RIGHTS) != 0;
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
    if (args.list.too_many)
        return reply_no("LIMIT", "Too many keywords");
    if (!keep_allowed(s->rights, &args.list))
        return reply_no("NOPERM", "You may not change these flags here");
    return change(s, &args, &sel, (flags & COMMAND_UID) != 0);
}
