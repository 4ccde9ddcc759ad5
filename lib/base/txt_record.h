/*
 * lib/base/txt_record.h - TXT records of the form "v=STSv1; name=value; ...", of MTA-STS (RFC 8461
 * section 3.1) and TLS-RPT (RFC 8460 section 3). The bytes are those of whoever owns the domain.
 */
#ifndef POSTHORN_LIB_BASE_TXT_RECORD_H
#define POSTHORN_LIB_BASE_TXT_RECORD_H

#include "lib/base/slice.h"

/* Does it begin with the field `version`, "v=STSv1"? Else it is about something else. *record is
 * then what is behind it. */
bool txt_record_is(struct slice *record, struct slice version);
/* Takes the next field off. 1; 0: there is none, for a delimiter may stand at the end; -1: what
 * stands there is no field. */
int txt_record_next(struct slice *record, struct slice *name, struct slice *value);

#endif
