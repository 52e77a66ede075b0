"""Packages the app and deploys it by CloudFormation, to AWS or to the emulated AWS of this machine."""
