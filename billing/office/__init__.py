"""Who works here and by what rules: organizations, roles, policies, approvals, numbers, notices, audit."""
