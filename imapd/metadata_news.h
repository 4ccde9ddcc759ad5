/*
 * imapd/metadata_news.h - tells the client which annotations others have changed (RFC 5464
 * section 4.4.2), once it has enabled METADATA.
 */
#ifndef POSTHORN_IMAPD_METADATA_NEWS_H
#define POSTHORN_IMAPD_METADATA_NEWS_H

#include "imapd/session.h"
#include "lib/store/annotations.h"

/* What there is now is known. A failure costs news, and is logged. */
void metadata_news_begin(struct session *s);
void metadata_news_end(struct session *s);
/* Sends a METADATA response for each mailbox with changes. Cheap if nothing changed; nothing is
 * done before metadata_news_begin. */
void metadata_news_send(struct session *s);
/* When that has to be called though nothing woke the session, since who was given one folder alone
 * wakes nobody by changing its annotations; monotonic, INT64_MAX: never. */
int64_t metadata_news_due_ms(const struct session *s);
/* This session has just changed annotations itself. */
void metadata_news_own(struct session *s, struct slice mailbox,
                       const struct annotation_stamps *before,
                       const struct annotation_stamps *after);

#endif
