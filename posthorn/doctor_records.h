/*
 * posthorn/doctor_records.h - further parts of doctor_dns.
 */
#ifndef POSTHORN_POSTHORN_DOCTOR_RECORDS_H
#define POSTHORN_POSTHORN_DOCTOR_RECORDS_H

#include "posthorn/doctor_ask.h"

/* What is good to have: MTA-STS, TLS-RPT, TLSA of our certificate, SRV, the names that mail
 * programs try. What is there has to be right. */
void doctor_records(struct asker *a);
/* Is one of the host's addresses on a list of doctor.block_lists? */
void doctor_lists(struct asker *a);

#endif
