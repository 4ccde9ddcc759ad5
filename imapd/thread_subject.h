/*
 * imapd/thread_subject.h - threads that have the same subject become one (RFC 5256 section 3).
 */
#ifndef POSTHORN_IMAPD_THREAD_SUBJECT_H
#define POSTHORN_IMAPD_THREAD_SUBJECT_H

#include "imapd/thread_tree.h"

/* Step 5 of REFERENCES. The roots are in order, and so are the children of dummies. */
void thread_subject_merge(struct thread_tree *t);
/* ORDEREDSUBJECT: of the roots, messages in order, all but the first of a subject become its
 * children. */
void thread_subject_group(struct thread_tree *t);

#endif
