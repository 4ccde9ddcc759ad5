/*
 * imapd/thread_links.h - who replied to whom: steps 1 to 3 of THREAD=REFERENCES (RFC 5256 section
 * 3).
 */
#ifndef POSTHORN_IMAPD_THREAD_LINKS_H
#define POSTHORN_IMAPD_THREAD_LINKS_H

#include "imapd/thread_tree.h"

/* At most so many dummies will be needed: one for each reference. */
uint32_t thread_links_dummies(const struct thread_message *messages, uint32_t count);
/* Fills the tree: parents, children (in no order), roots. */
void thread_links_make(struct thread_tree *t);

#endif
