/*
 * lib/mail/base_subject.h - the subject of a conversation, without "Re:", "[list]", "(fwd)" (RFC
 * 5256 section 2.1).
 */
#ifndef POSTHORN_LIB_MAIL_BASE_SUBJECT_H
#define POSTHORN_LIB_MAIL_BASE_SUBJECT_H

#include "lib/base/strbuf.h"

/* Makes *text, a decoded subject, its base subject, in place. True if what was removed shows a
 * reply or a forward (RFC 5256 section 3, THREAD). */
bool base_subject(struct strbuf *text);

#endif
