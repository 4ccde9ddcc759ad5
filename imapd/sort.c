/*
 * imapd/sort.c - SORT and UID SORT (RFC 5256, with the RETURN of RFC 5267 section 3).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/message_limit.h"
#include "imapd/search_context.h"
#include "imapd/search_run.h"
#include "imapd/sort_order.h"
#include "imapd/updates.h"

struct reply
sort_sort(struct session *s, struct parser *p, unsigned flags)
{
    struct search_answer answer = {.tag = s->tag, .origin = "", .is_uid = flags & COMMAND_UID};
    struct sort_order order;
    struct search_context_spec spec = {.is_uid = answer.is_uid, .order = &order};
    struct search_return r;
    struct search_args args;
    struct search_found found;

    if (!search_return_parse(p, &r) || !parser_space(p) || !sort_order_parse(p, &order))
        return reply_bad(p->error);
    if ((r.options & SEARCH_RETURN_UPDATE) && search_context_has_tag(s, s->tag))
        return reply_bad("Tag is in use with UPDATE");
    spec.criteria = p->rest;
    spec.fetch = r.update_fetch;
    if (!search_args_parse_criteria(p, &args))
        return search_run_refuse(s, p, &args, &r);
    if (((r.options & SEARCH_RETURN_RELEVANCY) || sort_order_has_relevancy(&order)) &&
        !args.has_fuzzy) /* RFC 6203 section 6 */
        return reply_bad("RELEVANCY needs a FUZZY key");
    if (args.has_modseq)
        condstore_enable(s);
    if (search_run(s, s->mailbox, args.root, NULL, &s->arena, &found) < 0)
        return reply_errno();
    if (found.lowest_uid != 0) {            /* RFC 9738 section 3.3 */
        if (r.options & SEARCH_RETURN_SAVE) /* RFC 5182 section 2.1 */
            saved_result_clear(&s->saved);
        return message_limit_refuse(s, message_limit(s), found.lowest_uid);
    }
    sort_order_apply(&order, args.root, &s->message, &s->arena, &found);
    search_return_save(s, &r, &found);
    answer.with_modseq = args.has_modseq;
    answer.scores = search_run_scores(s, args.root, &r, &found, &s->arena);
    if (r.extended) {
        search_return_write(&r, &found, &answer, &s->arena, &s->out);
        updates_put_out(s);
    } else {
        search_run_send_plain(s, "SORT", &found, answer.is_uid, args.has_modseq);
    }
    if (r.options & SEARCH_RETURN_UPDATE)
        search_context_add(s, &spec, &found);
    return reply_ok("Sort completed");
}
