/*
 * alertd/message.h - news of alerts as words: the lines of a mail, and JSON for a program.
 */
#ifndef POSTHORN_ALERTD_MESSAGE_H
#define POSTHORN_ALERTD_MESSAGE_H

#include "alertd/alerts.h"

#define MESSAGE_ITEMS_MAX 50 /* listed in one message; of the others their number */
#define MESSAGE_TRIAL "test" /* name of the one item of a trial message */

struct news {
    const struct alert_item *items;
    size_t count, more; /* `more` are not listed */
    const char *hostname;
    int64_t now_ms;
};

const char *alert_news_word(const struct alert_item *item); /* "raised", "still", "cleared" */
/* Lines for the value @alerts@ of the template. */
void message_lines(const struct news *news, struct strbuf *out);
/* One line for @summary@. */
void message_summary(const struct news *news, struct strbuf *out);
/* {"host", "time", "alerts": [{"name", "kind", "state", "since", "text"}], "more"} */
void message_json(const struct news *news, struct strbuf *out);

#endif
