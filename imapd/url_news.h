/*
 * imapd/url_news.h - tells the client that the access key of its selected mailbox is another one
 * (RFC 4467, BASE.6.3.RESETKEY: "any current IMAP session logged in as the user that has the
 * mailbox selected will receive an untagged OK response with the URLMECH status response code").
 *
 * Folders of others have no keys here: nothing is done while one is selected.
 */
#ifndef POSTHORN_IMAPD_URL_NEWS_H
#define POSTHORN_IMAPD_URL_NEWS_H

#include "imapd/session.h"

struct watch;

/* The mailbox has just been selected, or this session has reset its key and said so. */
void url_news_begin(struct session *s);
/* Nothing is selected any more. */
void url_news_end(struct session *s);
/* Sends the response if it is due: costs one look at a file's inode. */
void url_news_send(struct session *s);
/* To be woken when it may be due: a number of the watch, or -1. */
int url_news_watch(const struct session *s, struct watch *w);

#endif
