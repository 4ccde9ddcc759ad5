/*
 * imapd/search.c - SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 9051
 * section 6.4.4).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/message_limit.h"
#include "imapd/search_context.h"
#include "imapd/search_run.h"
#include "imapd/updates.h"

struct reply
search_search(struct session *s, struct parser *p, unsigned flags)
{
    struct search_answer answer = {.tag = s->tag, .origin = "", .is_uid = flags & COMMAND_UID};
    struct search_context_spec spec = {.is_uid = answer.is_uid};
    struct search_return r;
    struct search_args args;
    struct search_found found;

    if (!search_return_parse(p, &r))
        return reply_bad(p->error);
    if ((s->enabled & ENABLED_UTF8) && slice_starts_nocase(p->rest, SLICE(" CHARSET ")))
        return reply_bad("No CHARSET with UTF8=ACCEPT"); /* RFC 6855 section 3 */
    if ((r.options & SEARCH_RETURN_UPDATE) && search_context_has_tag(s, s->tag))
        return reply_bad("Tag is in use with UPDATE");
    spec.criteria = p->rest;
    spec.fetch = r.update_fetch;
    if (!search_args_parse(p, &args))
        return search_run_refuse(s, p, &args, &r);
    if ((r.options & SEARCH_RETURN_RELEVANCY) && !args.has_fuzzy) /* RFC 6203 section 4 */
        return reply_bad("RELEVANCY needs a FUZZY key");
    if (args.has_modseq)
        condstore_enable(s);
    if ((s->enabled & ENABLED_REV2) && !r.extended)
        search_return_extend(&r);
    if (search_run(s, s->mailbox, args.root, &r, &s->arena, &found) < 0)
        return reply_errno();
    search_return_save(s, &r, &found);
    answer.with_modseq = args.has_modseq;
    answer.scores = search_run_scores(s, args.root, &r, &found, &s->arena);
    if (r.extended) {
        search_return_write(&r, &found, &answer, &s->arena, &s->out);
        updates_put_out(s);
    } else {
        search_run_send_plain(s, "SEARCH", &found, answer.is_uid, args.has_modseq);
    }
    if (r.options & SEARCH_RETURN_UPDATE)
        search_context_add(s, &spec, &found);
    return message_limit_reply(s, found.lowest_uid, reply_ok("Search completed"));
}
