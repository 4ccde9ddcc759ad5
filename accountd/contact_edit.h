/*
 * accountd/contact_edit.h - CONTACT_EDIT of lib/ipc/contacts.h.
 */
#ifndef POSTHORN_ACCOUNTD_CONTACT_EDIT_H
#define POSTHORN_ACCOUNTD_CONTACT_EDIT_H

#include "accountd/server.h"

enum outcome contact_edit_request(struct request *request);

#endif
