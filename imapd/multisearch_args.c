/*
 * imapd/multisearch_args.c - the mailboxes that ESEARCH searches.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/multisearch_args.h"

bool
multisearch_args_parse(struct parser *p, struct mailbox_filter **out)
{
    const unsigned allowed = FILTER_SELECTED | FILTER_PERSONAL | FILTER_SUBSCRIBED |
                             FILTER_SUBTREE | FILTER_SUBTREE_ONE | FILTER_MAILBOXES;
    struct mailbox_filter **link = out;
    struct parser ahead = *p;

    *out = NULL;
    if (!parser_optional(&ahead, ' ') || !parser_word(&ahead, "IN"))
        return true;
    *p = ahead;
    if (!parser_space(p) || !parser_char(p, '('))
        return false;
    do {
        if (!mailbox_filter_parse(p, allowed, &link)) /* nor are any scope options defined */
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}
