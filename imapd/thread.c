/*
 * imapd/thread.c - THREAD and UID THREAD (RFC 5256; REFS: draft-ietf-morg-inthread).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/message_limit.h"
#include "imapd/search_run.h"
#include "imapd/sort_data.h"
#include "imapd/thread_tree.h"
#include "imapd/updates.h"

enum { OUT_PART = 4096 /* bytes collected before they go to the stream */ };

static const struct {
    const char *word;
    enum thread_algorithm algorithm;
} words[] = {
    {"ORDEREDSUBJECT", THREAD_ORDEREDSUBJECT},
    {"REFERENCES", THREAD_REFERENCES},
    {"REFS", THREAD_REFS},
};

static bool
parse_algorithm(struct parser *p, enum thread_algorithm *out)
{
    if (!parser_space(p))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!parser_word(p, words[i].word))
            continue;
        *out = words[i].algorithm;
        return true;
    }
    return parser_fail(p, "Unknown threading algorithm");
}

/* What the algorithm compares of the messages that were found. */
static struct thread_message *
read_messages(struct session *s, enum thread_algorithm algorithm, const struct search_found *found,
              bool is_uid)
{
    struct sort_reader reader = sort_reader_begin(s->mailbox, &s->message);
    struct thread_message *messages = arena_alloc(&s->arena, found->count * sizeof(*messages));

    for (uint32_t i = 0; i < found->count; i++) {
        const struct message *m = mailbox_message(s->mailbox, found->seqs[i]);
        struct thread_message *out = &messages[i];
        struct sort_text text;
        struct slice ids;

        out->number = is_uid ? m->uid : found->seqs[i];
        out->arrived_ms = m->internal_ms;
        sort_data_text(&reader, found->seqs[i], &text);
        out->sent_ms = sort_data_sent_ms(&reader, found->seqs[i], &text);
        out->is_reply = text.is_reply;
        if (algorithm != THREAD_REFS)
            out->subject = arena_copy(&s->arena, text.fields[SORT_TEXT_SUBJECT]);
        if (algorithm != THREAD_ORDEREDSUBJECT && sort_data_ids(&reader, found->seqs[i], &ids))
            out->ids = arena_copy(&s->arena, ids);
    }
    sort_reader_end(&reader);
    return messages;
}

static void
put(void *session, struct slice text)
{
    struct session *s = session;

    (void)strbuf_append(&s->out, text);
    if (s->out.len >= OUT_PART)
        updates_put_out(s);
}

struct reply
thread_thread(struct session *s, struct parser *p, unsigned flags)
{
    enum thread_algorithm algorithm = THREAD_REFERENCES;
    bool is_uid = flags & COMMAND_UID;
    const struct thread_message *messages;
    struct thread_tree tree;
    struct search_args args;
    struct search_found found;

    if (!parse_algorithm(p, &algorithm))
        return reply_bad(p->error);
    if (!search_args_parse_criteria(p, &args))
        return search_run_refuse(s, p, &args, NULL);
    if (args.has_modseq)
        condstore_enable(s);
    if (search_run(s, s->mailbox, args.root, NULL, &s->arena, &found) < 0)
        return reply_errno();
    if (found.lowest_uid != 0) /* RFC 9738 section 3.3 */
        return message_limit_refuse(s, message_limit(s), found.lowest_uid);
    messages = read_messages(s, algorithm, &found, is_uid);
    thread_tree_make(algorithm, messages, found.count, &s->arena, &tree);
    (void)strbuf_str(&s->out, tree.root_count > 0 ? "* THREAD " : "* THREAD");
    thread_tree_write(&tree, put, s);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
    return reply_ok("Thread completed");
}
