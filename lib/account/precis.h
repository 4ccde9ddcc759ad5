/*
 * lib/account/precis.h - user names by PRECIS: the profile UsernameCaseMapped (RFC 8265 section
 * 3.3) of the IdentifierClass (RFC 8264 section 4.2).
 *
 * In two halves. Mapping makes what is compared, of any name: width, case, form C. Whether a new
 * name may be one at all is asked of the mapped form, once. No I/O, no state; libunistring's
 * tables stay behind this header.
 */
#ifndef POSTHORN_LIB_ACCOUNT_PRECIS_H
#define POSTHORN_LIB_ACCOUNT_PRECIS_H

#include "lib/base/strbuf.h"

/* Appends the mapped form of UTF-8 text. 0, or -1: bad UTF-8, or no room; `out` is as before. */
int precis_map(struct slice text, struct strbuf *out);

/* Is each character of a mapped name one of the class, in a context that it may have (RFC 5892
 * appendix A), and does the name satisfy the Bidi Rule (RFC 5893 section 2)? */
bool precis_is_username(struct slice mapped);

#endif
