"""What CloudFormation calls for each resource type of our templates, with the permissions of who deploys.

Source: the `handlers` of the schemas in AWS's CloudFormation registry (`aws cloudformation describe-type`), as they
are published with LocalStack 2026.3, pulumi-aws-native and terraform-provider-awscc; for SNS subscriptions, event
rules, alarms and user pool clients, which have none there, the calls of their APIs. Read on 2026-11-29.
"""

# Of create, read, update and delete. Blank-separated names of one service.
_HANDLERS = {
    "AWS::ApiGateway::Account": {"apigateway": "GET PATCH", "iam": "GetRole PassRole"},
    "AWS::ApiGateway::BasePathMapping": {"apigateway": "DELETE GET PATCH POST"},
    "AWS::ApiGateway::DomainName": {"apigateway": "DELETE GET PATCH POST PUT"},
    "AWS::ApiGateway::Deployment": {"apigateway": "DELETE GET PATCH POST PUT"},
    "AWS::ApiGateway::RestApi": {"apigateway": "DELETE GET PATCH POST PUT UpdateRestApiPolicy", "iam": "PassRole"},
    "AWS::ApiGateway::Stage": {"apigateway": "DELETE GET PATCH POST PUT"},
    "AWS::Budgets::Budget": {"budgets": "ListTagsForResource ModifyBudget TagResource UntagResource ViewBudget"},
    "AWS::CloudWatch::Alarm": {
        "cloudwatch": "DeleteAlarms DescribeAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource"
    },
    "AWS::CloudWatch::Dashboard": {"cloudwatch": "DeleteDashboards GetDashboard PutDashboard"},
    "AWS::CodeDeploy::Application": {
        "codedeploy": "CreateApplication DeleteApplication GetApplication ListTagsForResource TagResource UntagResource"
    },
    "AWS::CodeDeploy::DeploymentGroup": {
        "codedeploy": "CreateDeploymentGroup DeleteDeploymentGroup GetDeploymentGroup ListTagsForResource TagResource "
        "UntagResource UpdateDeploymentGroup",
        "iam": "PassRole",
    },
    "AWS::Cognito::UserPool": {
        "cognito-idp": "AddCustomAttributes CreateUserPool DeleteUserPool DescribeUserPool GetUserPoolMfaConfig "
        "ListTagsForResource SetUserPoolMfaConfig TagResource UntagResource UpdateUserPool",
        "iam": "CreateServiceLinkedRole PassRole",
        "kms": "CreateGrant",
    },
    "AWS::Cognito::UserPoolClient": {
        "cognito-idp": "CreateUserPoolClient DeleteUserPoolClient DescribeUserPoolClient UpdateUserPoolClient"
    },
    "AWS::Cognito::UserPoolGroup": {"cognito-idp": "CreateGroup DeleteGroup GetGroup UpdateGroup"},
    "AWS::DynamoDB::Table": {
        "dynamodb": "CreateTable DeleteResourcePolicy DeleteTable DescribeContinuousBackups "
        "DescribeContributorInsights DescribeImport DescribeKinesisStreamingDestination DescribeTable "
        "DescribeTimeToLive DisableKinesisStreamingDestination EnableKinesisStreamingDestination GetResourcePolicy "
        "ImportTable ListTagsOfResource PutResourcePolicy TagResource UntagResource UpdateContinuousBackups "
        "UpdateContributorInsights UpdateKinesisStreamingDestination UpdateTable UpdateTimeToLive",
    },
    "AWS::Events::Rule": {
        "events": "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets "
        "TagResource UntagResource",
        "iam": "PassRole",
    },
    "AWS::IAM::Role": {
        "iam": "AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy "
        "DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies "
        "PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
        "UpdateRoleDescription",
    },
    "AWS::KMS::Alias": {"kms": "CreateAlias DeleteAlias ListAliases UpdateAlias"},
    "AWS::KMS::Key": {
        "kms": "CreateKey DescribeKey DisableKey DisableKeyRotation EnableKey EnableKeyRotation GetKeyPolicy "
        "GetKeyRotationStatus ListResourceTags PutKeyPolicy ScheduleKeyDeletion TagResource UntagResource "
        "UpdateKeyDescription",
    },
    "AWS::Lambda::Alias": {
        "codedeploy": "CreateDeployment GetDeployment GetDeploymentConfig GetDeploymentGroup StopDeployment",
        "lambda": "CreateAlias DeleteAlias DeleteProvisionedConcurrencyConfig GetAlias "
        "GetProvisionedConcurrencyConfig PutProvisionedConcurrencyConfig UpdateAlias",
    },
    "AWS::Lambda::EventSourceMapping": {
        "lambda": "CreateEventSourceMapping DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping"
    },
    "AWS::Lambda::Function": {
        "iam": "PassRole",
        "lambda": "CreateFunction DeleteFunction DeleteFunctionCodeSigningConfig DeleteFunctionConcurrency "
        "GetCodeSigningConfig GetFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig "
        "GetFunctionScalingConfig GetLayerVersion GetRuntimeManagementConfig PassCapacityProvider PublishVersion "
        "PutFunctionCodeSigningConfig PutFunctionConcurrency PutFunctionRecursionConfig PutFunctionScalingConfig "
        "PutRuntimeManagementConfig TagResource UntagResource UpdateFunctionCode UpdateFunctionConfiguration",
        "s3": "GetObject GetObjectVersion",
    },
    "AWS::Lambda::Permission": {"lambda": "AddPermission GetPolicy RemovePermission"},
    "AWS::Lambda::Version": {
        "lambda": "DeleteFunction GetFunctionConfiguration GetProvisionedConcurrencyConfig "
        "GetRuntimeManagementConfig ListVersionsByFunction PublishVersion PutProvisionedConcurrencyConfig "
        "PutRuntimeManagementConfig",
    },
    "AWS::Logs::LogGroup": {
        "logs": "AssociateKmsKey CreateLogDelivery CreateLogGroup DeleteDataProtectionPolicy DeleteLogGroup "
        "DeleteRetentionPolicy DescribeLogGroups DescribeResourcePolicies DisassociateKmsKey "
        "GetDataProtectionPolicy ListTagsForResource ListTagsLogGroup PutDataProtectionPolicy PutResourcePolicy "
        "PutRetentionPolicy TagLogGroup TagResource UntagLogGroup UntagResource",
    },
    "AWS::Route53::RecordSet": {"route53": "ChangeResourceRecordSets GetChange ListResourceRecordSets"},
    "AWS::S3::Bucket": {
        "s3": "CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketAnalyticsConfiguration "
        "DeleteBucketCors DeleteBucketEncryption DeleteBucketLifecycle DeleteBucketMetadataTableConfiguration "
        "DeleteBucketMetricsConfiguration DeleteBucketReplication DeleteBucketWebsite DeleteObject "
        "GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS "
        "GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification "
        "GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPublicAccessBlock GetBucketTagging "
        "GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration "
        "GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration "
        "ListBucket ListTagsForResource PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac "
        "PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration "
        "PutBucketOwnershipControls PutBucketPublicAccessBlock PutBucketReplication PutBucketTagging "
        "PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration PutIntelligentTieringConfiguration "
        "PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration PutObjectAcl "
        "PutObjectLockConfiguration PutReplicationConfiguration TagResource UntagResource "
        "UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration",
    },
    "AWS::S3::BucketPolicy": {"s3": "DeleteBucketPolicy GetBucketPolicy PutBucketPolicy"},
    "AWS::SNS::Subscription": {
        "sns": "GetSubscriptionAttributes ListSubscriptionsByTopic SetSubscriptionAttributes Subscribe Unsubscribe"
    },
    "AWS::SNS::Topic": {
        "sns": "CreateTopic DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic "
        "ListTagsForResource PutDataProtectionPolicy SetTopicAttributes Subscribe TagResource Unsubscribe "
        "UntagResource",
    },
    "AWS::SQS::Queue": {
        "sqs": "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue "
        "UntagQueue"
    },
    "AWS::XRay::SamplingRule": {
        "xray": "CreateSamplingRule DeleteSamplingRule GetSamplingRules ListTagsForResource TagResource "
        "UpdateSamplingRule"
    },
}

# Permissions for properties that our templates do not have: no deployment makes these calls. Words of their names.
UNUSED_FEATURES = {
    "Kinesis", "Import", "ContributorInsights", "ResourcePolicy",  # tables
    "Acl", "Abac", "Accelerate", "Analytics", "Logging", "Notification", "ObjectLock", "Replication", "Website",
    "IntelligentTiering", "Inventory", "Metadata", "Metrics",  # buckets
    "CodeSigning", "ProvisionedConcurrency", "Recursion", "Scaling", "CapacityProvider", "Layer",  # functions
    "DataProtection", "KmsKey", "PermissionsBoundary", "RestApiPolicy", "CustomAttributes", "Grant",
}  # fmt: skip
# Calls that would lose what a stage may not lose, or that only a change of our templates would need. The retained
# resources are never deleted by CloudFormation.
WITHHELD = {
    "cognito-idp:DeleteUserPool",
    "dynamodb:DeleteTable",
    "kms:DeleteAlias",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:ScheduleKeyDeletion",
    "s3:DeleteBucket",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteObject",
    "sqs:DeleteQueue",
}

HANDLER_PERMISSIONS: dict[str, set[str]] = {
    kind: {f"{service}:{name}" for service, names in services.items() for name in names.split()}
    for kind, services in _HANDLERS.items()
}


def is_unused(permission: str) -> bool:
    """Whether it changes a feature that our templates do not use; reading such a feature is part of every read."""
    name = permission.partition(":")[2]
    is_read = name.startswith(("Get", "Describe", "List")) and "Import" not in name
    return not is_read and any(feature in name for feature in UNUSED_FEATURES)
