"""The deployed shape: packaged, planned, deployed by CloudFormation, into AWS or into the AWS of one machine."""
