import COrepa

func lastError() -> UnsafePointer<CChar>? { orepa_last_error() }

func statusName(_ status: orepa_status) -> UnsafePointer<CChar>? {
    guard let index = statusNames.firstIndex(where: { $0.status == status }) else {
        return statusStrings[statusNames.count]
    }
    return statusStrings[index]
}

private let statusNames: [(status: orepa_status, name: String)] = [
    (OREPA_OK, "OREPA_OK"),
    (OREPA_NOT_FOUND, "OREPA_NOT_FOUND"),
    (OREPA_NOT_READABLE, "OREPA_NOT_READABLE"),
    (OREPA_INVALID_MODEL, "OREPA_INVALID_MODEL"),
    (OREPA_PROBE_FAILED, "OREPA_PROBE_FAILED"),
    (OREPA_INVALID_IMAGE, "OREPA_INVALID_IMAGE"),
    (OREPA_INVALID_ARGUMENT, "OREPA_INVALID_ARGUMENT"),
    (OREPA_OUT_OF_MEMORY, "OREPA_OUT_OF_MEMORY"),
    (OREPA_DEADLINE_EXCEEDED, "OREPA_DEADLINE_EXCEEDED"),
    (OREPA_CANCELLED, "OREPA_CANCELLED"),
    (OREPA_NOT_FINITE, "OREPA_NOT_FINITE"),
    (OREPA_INVALID_ENVIRONMENT, "OREPA_INVALID_ENVIRONMENT"),
    (OREPA_UNSUPPORTED, "OREPA_UNSUPPORTED"),
]

private let statusStrings = CStrings(statusNames.map(\.name) + ["unknown status"])
