"""Where proposals and approvals live: for now plain Git repositories, bare or not."""
