/*
 * imapd/flags.h - message flags and keywords between words and the store's bits.
 */
#ifndef POSTHORN_IMAPD_FLAGS_H
#define POSTHORN_IMAPD_FLAGS_H

#include "imapd/flag_list.h"
#include "lib/base/strbuf.h"
#include "lib/store/mailbox.h"

/* Bits of the keywords; `make` gives out new ones. False: the folder has too many, or a name is too
 * long. Without `make` names that the folder does not know are left out. */
bool flags_keyword_bits(struct mailbox *mb, const struct flag_list *list, bool make,
                        uint64_t *bits);

/* "(\Answered \Seen $Junk)" of one message; with `recent` \Recent may be among them. */
void flags_write(const struct mailbox *mb, uint32_t flags, uint64_t keywords, struct strbuf *out);
/* All flags that the folder knows. */
void flags_write_known(const struct mailbox *mb, struct strbuf *out);
/* For PERMANENTFLAGS: those that these rights (enum imap_right) let the user change, "\*" among
 * them while there is room for keywords (RFC 4314 section 5.1.1). */
void flags_write_permanent(const struct mailbox *mb, uint32_t rights, struct strbuf *out);

#endif
