/*
 * accountd/addressees.h - who gets a message to everybody (QUE-17).
 */
#ifndef POSTHORN_ACCOUNTD_ADDRESSEES_H
#define POSTHORN_ACCOUNTD_ADDRESSEES_H

#include "accountd/server.h"

enum outcome addressees_request(struct request *request); /* ADDRESSEES */

#endif
