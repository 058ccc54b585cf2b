// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep::grid {

/// Which side of values that stand on a host and on devices was changed last. `download` and `upload` copy all of them.
class mirror {
public:
    /// Before the host reads them.
    template <class Download>
    void before_reading(Download const& download) {
        if (newer_ == devices) {
            download();
            newer_ = neither;
        }
    }
    /// Before the host may change them, at any time until the devices next use them.
    template <class Download>
    void before_writing(Download const& download) {
        before_reading(download);
        newer_ = host;
    }
    /// Before devices use them.
    template <class Upload>
    void before_devices(Upload const& upload) {
        if (newer_ == host) {
            upload();
            newer_ = neither;
        }
    }
    void changed_on_devices() { newer_ = devices; }

private:
    enum { neither, host, devices } newer_ = host;
};

} // namespace lockstep::grid
