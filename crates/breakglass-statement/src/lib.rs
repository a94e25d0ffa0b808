//! What people sign: SSHSIG, enrolment, the authority chain; the only maker of Verified values.
