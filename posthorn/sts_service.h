/*
 * posthorn/sts_service.h - does services.conf start what MTA-STS needs?
 */
#ifndef POSTHORN_POSTHORN_STS_SERVICE_H
#define POSTHORN_POSTHORN_STS_SERVICE_H

#include "lib/conf/services.h"

/* What is wrong and what to do, one line, or NULL: remote-deliver waits for stsd before it sends,
 * and a services.conf of before there was stsd does not start it. */
const char *sts_service_trouble(const struct conf *conf, const struct services *services);

#endif
