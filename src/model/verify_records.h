// Reading every record of a file and comparing its checksum.
#pragma once

#include <cstdint>
#include <vector>

#include <sconce/verify.h>

#include "formats/format.h"
#include "model/verify_findings.h"

namespace sconce::model {

/// Reads all records with several threads, large ones in pieces, each thread through one buffer; fills the counts of
/// the report. A record that cannot be read or whose checksum is wrong is a finding; only failures of the system, and
/// cancellation, end the work. Errors: `io`, `cancelled`.
void verify_records(const std::vector<formats::RecordCheck>& records, const VerifyOptions& options, Findings& findings,
                    VerifyReport& report);

}  // namespace sconce::model
